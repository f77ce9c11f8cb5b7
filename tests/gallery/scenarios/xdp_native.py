"""An XDP program that drops everything, in native mode."""

from tests.gallery import bpf
from tests.gallery.scenario import NO_IN_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.run(lambda: stage.keep(bpf.xdp("in0", bpf.XDP_DROP, bpf.NATIVE)))
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "XDP drop, native", provoke, reasons=("XDP",), reasonless=("*",),
    locations=("do_xdp_generic", "veth_xdp_rcv_skb"),
    counters=(Moved("ethtool", "rx_queue_0_xdp_drops", "in0"),),
    nameless={"net_dm": NO_IN_PORT},
)
