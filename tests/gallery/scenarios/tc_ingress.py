"""A tc filter that drops at a device's ingress."""

from tests.gallery.hosts import TC_DROP
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.command("tc qdisc add dev in0 clsact")
    stage.host.command(f"tc filter add dev in0 ingress {TC_DROP}")
    stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "tc ingress drop", provoke, reasons=("TC_INGRESS",),
    locations=("__netif_receive_skb_core",),
    counters=(Moved("qdisc", "drops", "in0", labels={"kind": "clsact"}),),
)
