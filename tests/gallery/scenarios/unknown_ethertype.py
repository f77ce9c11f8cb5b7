"""Frames of an ethertype that nobody on this host receives."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST_MAC, SENDER_MAC, Stage

COUNT = 20
EXPERIMENTAL = 0x88B5  # IEEE 802, for local experiments


def provoke(stage: Stage) -> int:
    stage.send_frame(packets.ethernet(SENDER_MAC, HOST_MAC, EXPERIMENTAL, bytes(46)), COUNT)
    return COUNT


SCENARIO = Scenario(
    "unknown ethertype", provoke, reasons=("UNHANDLED_PROTO",),
    locations=("__netif_receive_skb_core",),
    counters=(Moved("link", "rx_dropped", "in0"),),
)
