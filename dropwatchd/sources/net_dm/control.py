"""Requests to the drop monitor: what it is set to, what it lost, on and off."""

import errno
import os
import socket
from itertools import count
from struct import Struct
from typing import Any

from pyroute2.netlink import CTRL_CMD_GETFAMILY, GENL_ID_CTRL, ctrlmsg
from pyroute2.netlink.generic import GenericNetlinkSocket

from dropwatchd.model import Origin
from dropwatchd.sources.net_dm.messages import FAMILY, GROUP, VERSION, Command, Flag, NetDmMessage
from dropwatchd.sources.net_dm.options import Config, Mode
from dropwatchd.sources.net_dm.receiver import NETLINK_GENERIC

_MODES: tuple[Mode, ...] = ("summary", "packet")  # NET_DM_ALERT_MODE_*
_FLAGS: dict[Origin, str] = {"software": "NET_DM_ATTR_SW_DROPS", "hardware": "NET_DM_ATTR_HW_DROPS"}
_STATS: dict[Origin, str] = {"software": "NET_DM_ATTR_STATS", "hardware": "NET_DM_ATTR_HW_STATS"}
_TIMEOUT_S = 5            # the kernel answers within the call, but waits for a grace period when it stops
_NLMSG_ERROR = 2
_ANSWER = Struct("=4xH10xi")  # struct nlmsghdr, and the error of struct nlmsgerr


class Control:
    """One connection for requests. Every method raises OSError with the kernel's errno."""

    def __init__(self) -> None:
        """Raise ModuleNotFoundError where the family is not registered: the module drop_monitor is not loaded."""
        self.family, self.group = look_up(FAMILY, GROUP)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_GENERIC)
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.bind((0, 0))
        self._sequence = count(1)

    def close(self) -> None:
        self._socket.close()

    def config(self) -> Config:
        """Return what it is set to now."""
        answer = self._request(Command.CONFIG_GET)
        return Config(_MODES[answer.get_attr("NET_DM_ATTR_ALERT_MODE")], answer.get_attr("NET_DM_ATTR_TRUNC_LEN"),
                      answer.get_attr("NET_DM_ATTR_QUEUE_LEN"))

    def configure(self, config: Config) -> bool:
        """Set it; False, and nothing is changed, while anything is monitored."""
        return self._done(Command.CONFIG, errno.EBUSY, [
            ("NET_DM_ATTR_ALERT_MODE", _MODES.index(config.mode)),
            ("NET_DM_ATTR_TRUNC_LEN", config.truncation),
            ("NET_DM_ATTR_QUEUE_LEN", config.queue_length),
        ])

    def start(self, origin: Origin) -> bool:
        """Monitor the drops of one origin; False when that was on already."""
        return self._done(Command.START, errno.EAGAIN, [(_FLAGS[origin], True)])

    def stop(self, origin: Origin) -> None:
        """Stop for everybody. What has not left the kernel's queues by then is never reported."""
        self._request(Command.STOP, [(_FLAGS[origin], True)])

    def dropped(self) -> dict[Origin, int]:
        """Return the packets that found a CPU's queue full, since the module was loaded."""
        answer = self._request(Command.STATS_GET)
        return {origin: answer.get_attr(name).get_attr("NET_DM_ATTR_STATS_DROPPED") for origin, name in _STATS.items()}

    def _done(self, command: Command, refusal: int, attributes: list[tuple[str, Any]]) -> bool:
        try:
            self._request(command, attributes)
        except OSError as error:
            if error.errno != refusal:
                raise
            return False
        return True

    def _request(self, command: Command, attributes: list[tuple[str, Any]] | None = None) -> Any:
        """Return the answer, or None when the kernel only acknowledged."""
        message = NetDmMessage()
        message["cmd"], message["version"], message["attrs"] = command, VERSION, attributes or []
        message["header"] = {"type": self.family, "flags": Flag.REQUEST | Flag.ACK,
                             "sequence_number": next(self._sequence)}
        message.encode()
        self._socket.send(message.data)
        answer = None
        while True:
            raw = self._socket.recv(1 << 16)
            kind, number = _ANSWER.unpack_from(raw)
            if kind != _NLMSG_ERROR:
                answer = NetDmMessage(raw)
                answer.decode()
            elif number:
                raise OSError(-number, f"NET_DM {command.name}: {os.strerror(-number)}")
            else:
                return answer


def look_up(name: str, listeners: str) -> tuple[int, int]:
    """Return the numbers of a family and of its group of listeners. Raises ModuleNotFoundError where there is none.

    All families are listed: asking for one by name would make the kernel load its module (ctrl_getfamily in
    net/netlink/genetlink.c), and looking must not change the host.
    """
    request = ctrlmsg()
    request["cmd"] = CTRL_CMD_GETFAMILY
    with GenericNetlinkSocket() as netlink:
        netlink.marshal.msg_map[GENL_ID_CTRL] = ctrlmsg
        families = list(netlink.nlm_request(request, msg_type=GENL_ID_CTRL, msg_flags=Flag.REQUEST | Flag.DUMP))
    for family in families:
        if family.get_attr("CTRL_ATTR_FAMILY_NAME") == name:
            groups = {group.get_attr("CTRL_ATTR_MCAST_GRP_NAME"): group.get_attr("CTRL_ATTR_MCAST_GRP_ID")
                      for group in family.get_attr("CTRL_ATTR_MCAST_GROUPS")}
            return family.get_attr("CTRL_ATTR_FAMILY_ID"), groups[listeners]
    raise ModuleNotFoundError(f"no netlink family {name}")
