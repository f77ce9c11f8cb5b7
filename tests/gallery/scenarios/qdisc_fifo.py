"""Packets for a FIFO queue that holds one, behind a shaper that lets almost nothing out."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
PASSED, QUEUED = 1, 1


def provoke(stage: Stage) -> int:
    stage.host.command("tc qdisc add dev out0 root handle 1: tbf rate 8bit burst 1600 limit 1000000")
    stage.host.command("tc qdisc add dev out0 parent 1: handle 2: pfifo limit 1")
    send_udp(stage.host, PASSED + QUEUED + COUNT, payload=bytes(1400))
    return COUNT


SCENARIO = Scenario(
    "qdisc limit (fifo)", provoke, reasons=("QDISC_DROP", "QDISC_OVERLIMIT"),
    locations=("__dev_queue_xmit", "__dev_xmit_skb", "kfree_skb_list_reason"),
    interface="out0", counters=(Moved("qdisc", "drops", "out0", labels={"handle": "1:"}),),
    nameless={"net_dm": NO_OUT_PORT},
    beside=("__udp4_lib_rcv",),
)
