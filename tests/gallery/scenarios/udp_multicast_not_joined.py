"""Datagrams to a multicast group that nobody on the host has joined."""

from tests.gallery import packets
from tests.gallery.scenario import Scenario
from tests.gallery.stage import SENDER, SENDER_MAC, Stage

COUNT = 20
GROUP, GROUP_MAC = "239.1.1.1", "01:00:5e:01:01:01"


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, GROUP, packets.UDP, packets.udp(SENDER, GROUP, 9))
    stage.send_frame(packets.ethernet(SENDER_MAC, GROUP_MAC, packets.IPV4, packet), COUNT)
    return COUNT


SCENARIO = Scenario(
    "multicast nobody joined", provoke, reasons=(), reasonless=("*",),
    locations=("ip_rcv_finish_core", "ip_rcv_finish"),
    named=("multicast_not_joined",),
)
