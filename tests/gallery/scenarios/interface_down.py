"""Packets that were waiting in an interface's queue when it was taken down."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import NO_OUT_PORT, Scenario
from tests.gallery.stage import Stage

PASSED, COUNT = 1, 20
PLACES = ("rtnl_kfree_skbs", "__rtnl_unlock", "kfree_skb_list_reason")


def provoke(stage: Stage) -> int:
    stage.host.command("tc qdisc add dev out0 root handle 1: tbf rate 8bit burst 1600 limit 1000000")
    send_udp(stage.host, PASSED + COUNT, payload=bytes(1400))
    stage.host.command("ip link set out0 down")
    return COUNT


SCENARIO = Scenario(
    "interface down during transmit", provoke, reasons=(), reasonless=("*",), locations=PLACES,
    interface="out0", named=("QUEUE_PURGE", *PLACES), nameless={"net_dm": NO_OUT_PORT},
    beside=("__udp4_lib_rcv",),
)
