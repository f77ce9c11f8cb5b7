"""An XDP program that aborts, as on an error of its own, in native mode: the driver counts it as any other drop."""

from tests.gallery import bpf
from tests.gallery.scenario import NO_IN_PORT, Moved, Scenario
from tests.gallery.scenarios.xdp_aborted import XDP_ABORTED
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.run(lambda: stage.keep(bpf.xdp("in0", XDP_ABORTED, bpf.NATIVE)))
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "XDP aborted, native", provoke, reasons=("XDP",), reasonless=("*",),
    locations=("veth_xdp_rcv_skb",),
    counters=(Moved("ethtool", "rx_queue_0_xdp_drops", "in0"), Moved("xdp_errors", "aborted", "in0")),
    named=("xdp_errors/aborted", "xdp_native"), nameless={"net_dm": NO_IN_PORT},
)
