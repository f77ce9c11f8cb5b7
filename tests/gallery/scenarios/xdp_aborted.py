"""An XDP program that aborts, as on an error of its own, in generic mode."""

from tests.gallery import bpf
from tests.gallery.scenario import NO_IN_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
XDP_ABORTED = 0


def provoke(stage: Stage) -> int:
    stage.host.run(lambda: stage.keep(bpf.xdp("in0", XDP_ABORTED, bpf.GENERIC)))
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "XDP aborted, generic", provoke, reasons=("XDP",), reasonless=("*",),
    locations=("do_xdp_generic",),
    counters=(Moved("xdp_errors", "aborted", "in0"),),
    named=("xdp_errors/aborted",), nameless={"net_dm": NO_IN_PORT},
)
