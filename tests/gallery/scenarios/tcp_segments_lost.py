"""Segments of TCP connections that a firewall of the other end drops: each is sent again until it comes through."""

import socket

from tests.gallery.hosts import nft, nft_counted
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, Stage

CONNECTIONS = 5
PORT = 8080


def provoke(stage: Stage) -> int:
    """Let a segment of each connection come to nothing at least once; as many were dropped as were sent again."""
    stage.host.command(f"ip route replace {FAR} dev out0 rto_min 40ms")
    listener = stage.keep(stage.far.run(lambda: socket.create_server((FAR, PORT))))
    senders = [stage.keep(stage.host.run(lambda: socket.create_connection((FAR, PORT)))) for _ in range(CONNECTIONS)]
    receivers = [stage.keep(listener.accept()[0]) for _ in senders]
    nft(stage.far, "input", f"tcp dport {PORT} counter drop")
    for sender in senders:
        sender.send(b"gallery")
    wait_for(lambda: nft_counted(stage.far) >= CONNECTIONS, "each was dropped")
    stage.far.command("nft insert rule inet gallery input accept")
    for receiver in receivers:
        receiver.settimeout(30)
        receiver.recv(100)
    return nft_counted(stage.far)


SCENARIO = Scenario(
    "TCP segments lost at the peer", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"), role="far",
    counters=(Moved("snmp", "TcpRetransSegs"), Moved("retransmits", "data"),
              Moved("nftables", "packets", role="far")),
    named=("retransmits/data",),
)
