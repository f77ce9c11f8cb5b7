"""Packets that an IPsec policy forbids to send."""

import socket
from contextlib import suppress

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, HOST_FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, f"ip xfrm policy add src {HOST_FAR}/32 dst {FAR}/32 dir out action block",
                "this kernel has no IPsec")
    stage.host.run(_send)
    return COUNT


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(COUNT):
            with suppress(PermissionError):
                sender.sendto(b"gallery", (FAR, 9))


SCENARIO = Scenario(
    "XFRM policy blocks sending", provoke, reasons=(), locations=(),
    counters=(Moved("xfrm", "XfrmOutPolBlock"),),
    silent={"*": "the program that sends gets an error, and no packet is made"},
    named=("XfrmOutPolBlock",),
)
