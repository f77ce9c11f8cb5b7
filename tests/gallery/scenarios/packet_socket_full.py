"""A packet socket that nobody reads, so that its receive buffer overflows."""

import socket

from tests.gallery import packets
from tests.gallery.hosts import drain
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST_MAC, SENDER_MAC, Stage

COUNT = 100
EXPERIMENTAL = 0x88B5  # IEEE 802, for local experiments


def provoke(stage: Stage) -> int:
    reader = stage.keep(stage.host.run(_listen))
    with stage.send_all(1):
        stage.send_frame(packets.ethernet(SENDER_MAC, HOST_MAC, EXPERIMENTAL, bytes(500)), COUNT)
        stage.send_udp()  # comes last on the same wire
    return COUNT - drain(reader)


def _listen() -> socket.socket:
    reader = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.bind(("in0", EXPERIMENTAL))
    reader.settimeout(0)
    return reader


SCENARIO = Scenario(
    "packet socket buffer full", provoke, reasons=("PACKET_SOCK_ERROR",), reasonless=("6.1",),
    locations=("packet_rcv",),
    counters=(Moved("sockets", "drops"),),
    beside=("__udp4_lib_rcv",),
)
