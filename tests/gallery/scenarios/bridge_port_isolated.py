"""Frames from one isolated port of a bridge to another."""

from tests.gallery import packets
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Scenario
from tests.gallery.stage import FAR_MAC, SENDER_MAC, Stage

COUNT = 20
EXPERIMENTAL = 0x88B5  # IEEE 802, for local experiments


def provoke(stage: Stage) -> int:
    host = stage.host
    host.command("ip link add br0 type bridge mcast_snooping 0")
    for device in ("in0", "out0"):
        host.command(f"ip link set {device} master br0")
        host.command(f"bridge link set dev {device} isolated on")
    host.command("ip link set br0 up")
    wait_for(lambda: host.command("bridge link show").count("state forwarding") == 2, "both ports forward")
    stage.send_frame(packets.ethernet(SENDER_MAC, FAR_MAC, EXPERIMENTAL, bytes(46)), COUNT)
    return COUNT


SCENARIO = Scenario(
    "isolated bridge ports", provoke, reasons=("NO_TX_TARGET",), reasonless=("6.1", "6.12"),
    locations=("br_handle_frame_finish", "br_flood", "br_forward"),
)
