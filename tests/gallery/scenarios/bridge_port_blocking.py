"""Frames on a bridge port that does not forward."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20
DISABLED = 0  # the only state that the kernel leaves alone without a spanning tree program


def provoke(stage: Stage) -> int:
    try_command(stage.host, "ip link add br0 type bridge mcast_snooping 0", "this kernel has no bridge")
    stage.host.command("ip link set in0 master br0")
    stage.host.command("ip link set br0 up")
    stage.host.command(f"bridge link set dev in0 state {DISABLED}")
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "bridge port not forwarding", provoke, reasons=("BRIDGE_INGRESS_STP_STATE",), reasonless=("6.1", "6.12"),
    locations=("br_handle_frame", "br_handle_frame_finish"),
)
