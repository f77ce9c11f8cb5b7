"""Frames from a station that a locked bridge port does not know, as with 802.1X before it has logged in."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "ip link add br0 type bridge mcast_snooping 0 forward_delay 0", "this kernel has no bridge")
    stage.host.command("ip link set in0 master br0")
    stage.host.command("ip link set br0 up")
    stage.host.command("bridge link set dev in0 learning off locked on")
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "bridge port locked", provoke, reasons=(), reasonless=("*",),
    locations=("br_handle_frame_finish",),
)
