"""A raw socket that nobody reads, so that its receive buffer overflows."""

import socket

from tests.gallery import packets
from tests.gallery.hosts import drain
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 40
PROTOCOL = 200  # unassigned


def provoke(stage: Stage) -> int:
    reader = stage.keep(stage.host.run(_listen))
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, PROTOCOL, bytes(400)), COUNT)
    return COUNT - drain(reader)


def _listen() -> socket.socket:
    reader = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    reader.settimeout(0)
    return reader


SCENARIO = Scenario(
    "raw socket buffer full", provoke, reasons=("IP_NOPROTO", "SOCKET_RCVBUFF"), reasonless=("6.1",),
    locations=("ip_local_deliver_finish", "ip_protocol_deliver_rcu", "raw_rcv", "raw_rcv_skb"),
    counters=(Moved("sockets", "drops"),),
    named=("raw_socket_full", "SOCKET_RCVBUFF"),
)
