"""Packets to be forwarded through an interface whose other end is down."""

from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Scenario
from tests.gallery.stage import FAR, Stage

COUNT = 20
ALIKE = "a device that was just made drops in the same place until its carrier is noticed, and no namespace is told"


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.far.command("ip link set in0 down")
    wait_for(lambda: "state UP" not in stage.host.command("ip link show dev out0"), "the carrier is lost")
    stage.host.command("ip link set out0 alias waiting")  # has to wait until its queues are taken away, too
    with stage.send_all(COUNT):
        stage.send_udp(target=FAR, count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "interface without carrier", provoke, reasons=("QDISC_DROP",),
    locations=("__dev_queue_xmit", "__dev_xmit_skb", "kfree_skb_list_reason"), interface="out0",
    mixed={"net_dm": ALIKE, "net_dm summary": ALIKE}, named=("interface_not_ready", "QDISC_DROP"), reads=("link",),
)
