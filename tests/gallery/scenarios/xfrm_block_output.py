"""Packets that an IPsec policy forbids to send."""

from tests.gallery.hosts import send_udp, try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, HOST_FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, f"ip xfrm policy add src {HOST_FAR}/32 dst {FAR}/32 dir out action block",
                "this kernel has no IPsec")
    send_udp(stage.host, COUNT)
    return COUNT


SCENARIO = Scenario(
    "XFRM policy blocks sending", provoke, reasons=(), locations=(),
    counters=(Moved("xfrm", "XfrmOutPolBlock"),),
    silent={"*": "the program that sends gets an error, and no packet is made"},
    named=("XfrmOutPolBlock",),
)
