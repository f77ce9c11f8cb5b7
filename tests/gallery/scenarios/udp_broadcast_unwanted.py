"""Broadcast datagrams to a port that nobody listens on."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import SENDER, SENDER_MAC, Stage

COUNT = 20
EVERYBODY = "255.255.255.255"


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, EVERYBODY, packets.UDP, packets.udp(SENDER, EVERYBODY, 9))
    stage.send_frame(packets.ethernet(SENDER_MAC, "ff:ff:ff:ff:ff:ff", packets.IPV4, packet), COUNT)
    return COUNT


SCENARIO = Scenario(
    "UDP broadcast nobody wants", provoke, reasons=(), reasonless=("*",),
    locations=("__udp4_lib_rcv", "__udp4_lib_mcast_deliver", "udp_rcv"),
    counters=(Moved("snmp", "UdpIgnoredMulti"),),
    named=("UdpIgnoredMulti",),
)
