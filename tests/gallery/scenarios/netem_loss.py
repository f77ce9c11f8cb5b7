"""A netem queue that loses everything."""

from tests.gallery.hosts import send_udp, try_command
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "tc qdisc add dev out0 root handle 1: netem loss 100%", "this kernel has no netem")
    send_udp(stage.host, COUNT)
    return COUNT


SCENARIO = Scenario(
    "netem loss", provoke, reasons=("QDISC_DROP",),
    locations=("__dev_queue_xmit", "__dev_xmit_skb", "netem_enqueue", "kfree_skb_list_reason"),
    interface="out0", counters=(Moved("qdisc", "drops", "out0", labels={"handle": "1:"}),),
    nameless={"net_dm": NO_OUT_PORT}, module="sch_netem",
)
