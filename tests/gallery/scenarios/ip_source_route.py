"""IPv4 packets that say by which routers they want to go, where that is not allowed."""

import socket

from tests.gallery import packets
from tests.gallery.scenario import Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
LOOSE_ROUTE = bytes([131, 7, 4]) + socket.inet_aton(HOST) + bytes(1)


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/conf/all/accept_source_route", 0)
    datagram = packets.udp(SENDER, HOST, 9)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram, options=LOOSE_ROUTE), COUNT)
    return COUNT


SCENARIO = Scenario(
    "IP source route", provoke, reasons=(), reasonless=("*",),
    locations=("ip_rcv_finish_core", "ip_rcv_finish"),
    named=("source_route_refused",),
)
