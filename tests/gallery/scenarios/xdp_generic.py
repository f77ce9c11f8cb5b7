"""An XDP program that drops everything, in generic mode."""

from tests.gallery import bpf
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.run(lambda: stage.keep(bpf.xdp("in0", bpf.XDP_DROP, bpf.GENERIC)))
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "XDP drop, generic", provoke, reasons=("XDP",), reasonless=("*",),
    locations=("do_xdp_generic", "veth_xdp_rcv_skb"),
)
