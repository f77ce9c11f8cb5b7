"""Packets for a token bucket filter whose queue is full."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
PASSED, QUEUED = 1, 1


def provoke(stage: Stage) -> int:
    stage.host.command("tc qdisc add dev out0 root handle 1: tbf rate 8bit burst 1600 limit 1600")
    send_udp(stage.host, PASSED + QUEUED + COUNT, payload=bytes(1400))
    return COUNT


SCENARIO = Scenario(
    "qdisc limit (tbf)", provoke, reasons=("QDISC_DROP", "QDISC_OVERLIMIT"),
    locations=("__dev_queue_xmit", "__dev_xmit_skb", "kfree_skb_list_reason"),
    interface="out0", counters=(Moved("qdisc", "drops", "out0", labels={"handle": "1:"}),),
    nameless={"net_dm": NO_OUT_PORT},
    beside=("__udp4_lib_rcv",),
)
