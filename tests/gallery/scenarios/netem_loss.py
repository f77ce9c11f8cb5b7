"""A netem queue that loses everything."""

import socket

from tests.gallery.hosts import try_command
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "tc qdisc add dev out0 root handle 1: netem loss 100%", "this kernel has no netem")
    stage.host.run(_send)
    return COUNT


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(COUNT):
            sender.sendto(b"gallery", (FAR, 9))


SCENARIO = Scenario(
    "netem loss", provoke, reasons=("QDISC_DROP",),
    locations=("__dev_queue_xmit", "__dev_xmit_skb", "netem_enqueue", "kfree_skb_list_reason"),
    interface="out0", counters=(Moved("qdisc", "drops", "out0", labels={"handle": "1:"}),),
    nameless={"net_dm": NO_OUT_PORT}, module="sch_netem",
)
