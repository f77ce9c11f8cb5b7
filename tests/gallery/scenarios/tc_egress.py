"""A tc filter that drops at a device's egress."""

from tests.gallery.hosts import TC_DROP
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.host.command("tc qdisc add dev out0 clsact")
    stage.host.command(f"tc filter add dev out0 egress {TC_DROP}")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT, target=FAR)
    return COUNT


SCENARIO = Scenario(
    "tc egress drop", provoke, reasons=("TC_EGRESS",),
    locations=("__dev_queue_xmit", "sch_handle_egress"),
    interface="out0", counters=(Moved("qdisc", "drops", "out0", labels={"kind": "clsact"}),),
    nameless={"net_dm": NO_OUT_PORT},
)
