"""Plain packets where an IPsec policy wants them encrypted."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
POLICY = (f"ip xfrm policy add src {SENDER}/32 dst {HOST}/32 dir in"
          f" tmpl src {SENDER} dst {HOST} proto esp mode transport")


def provoke(stage: Stage) -> int:
    try_command(stage.host, POLICY, "this kernel has no IPsec")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "XFRM policy", provoke, reasons=("XFRM_POLICY",), reasonless=("*",),
    locations=("__udp4_lib_rcv", "udp_rcv"),
    counters=(Moved("xfrm", "XfrmInTmplMismatch"),),
    named=("XfrmInTmplMismatch",),
)
