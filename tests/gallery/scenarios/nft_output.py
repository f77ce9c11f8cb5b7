"""An nftables rule that drops what this host sends; the sender's call fails."""

import socket
from contextlib import suppress

from tests.gallery.hosts import nft
from tests.gallery.scenario import NO_MAC_HEADER, Moved, Scenario
from tests.gallery.stage import FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "output", "udp dport 9 counter drop")
    stage.host.run(_send)
    return COUNT


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(COUNT):
            with suppress(PermissionError):
                sender.sendto(b"gallery", (FAR, 9))


SCENARIO = Scenario(
    "nft drop in output", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"), interface="out0",
    counters=(Moved("snmp", "IpOutDiscards"), Moved("nftables", "packets")),
    silent={"net_dm": NO_MAC_HEADER},
)
