"""A program that does not read what the kernel tells of its links, so that its netlink socket overflows."""

import socket

from tests.gallery.hosts import drain
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

CHANGES = 40
_RTMGRP_LINK = 1
_SOL_NETLINK, _NETLINK_NO_ENOBUFS = 270, 5  # include/uapi/linux/netlink.h


def provoke(stage: Stage) -> int:
    listener = stage.keep(stage.host.run(_listen))
    for number in range(CHANGES):
        stage.host.command(f"ip link set in0 txqueuelen {2000 + number}")
    return CHANGES - drain(listener)


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    listener.setsockopt(_SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)
    listener.settimeout(0)
    listener.bind((0, _RTMGRP_LINK))
    return listener


SCENARIO = Scenario(
    "netlink socket buffer full", provoke, reasons=(), locations=(),
    counters=(Moved("sockets", "drops", labels={"protocol": "netlink"}),),
    silent={"*": "a netlink message that finds a full socket is no packet of a network"},
    named=("netlink_socket_full",),
)
