"""Frames of a VLAN that this host has not."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, HOST_MAC, SENDER, SENDER_MAC, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, HOST, packets.UDP, packets.udp(SENDER, HOST, 9))
    tagged = packets.vlan(99, packets.IPV4, packet)
    stage.send_frame(packets.ethernet(SENDER_MAC, HOST_MAC, packets.VLAN, tagged), COUNT)
    return COUNT


SCENARIO = Scenario(
    "VLAN nobody has", provoke, reasons=("OTHERHOST", "UNHANDLED_PROTO"),
    locations=("ip_rcv_core", "__netif_receive_skb_core"),
    counters=(Moved("link", "rx_otherhost_dropped", "in0"),),
)
