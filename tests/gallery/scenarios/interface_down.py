"""Packets that were waiting in an interface's queue when it was taken down."""

import socket

from tests.gallery.scenario import NO_OUT_PORT, Scenario
from tests.gallery.stage import FAR, Stage

PASSED, COUNT = 1, 20


def provoke(stage: Stage) -> int:
    stage.host.command("tc qdisc add dev out0 root handle 1: tbf rate 8bit burst 1600 limit 1000000")
    stage.host.run(_send)
    stage.host.command("ip link set out0 down")
    return COUNT


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(PASSED + COUNT):
            sender.sendto(bytes(1400), (FAR, 9))


SCENARIO = Scenario(
    "interface down during transmit", provoke, reasons=("QUEUE_PURGE",), reasonless=("*",),
    locations=("rtnl_kfree_skbs", "__rtnl_unlock", "kfree_skb_list_reason"), interface="out0",
    nameless={"net_dm": NO_OUT_PORT},
    beside=("__udp4_lib_rcv",),
)
