"""Packets that hardware dropped, by devlink trap, and what the traps' policers held back."""

import struct
import sys
from collections.abc import Iterable

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import GENERIC, Message, Netlink, attributes, text
from dropwatchd.model import CounterKey, Reading

_HEADER = struct.Struct("=BBH")  # struct genlmsghdr: command, version, reserved
_CONTROLLER, _GETFAMILY = 16, 3  # GENL_ID_CTRL, CTRL_CMD_GETFAMILY
_FAMILY_ID, _FAMILY_NAME = 1, 2
_TRAP_GET, _TRAP_POLICER_GET = 61, 69  # DEVLINK_CMD_* of include/uapi/linux/devlink.h
_BUS, _DEVICE, _STATS, _TRAP, _TYPE, _GROUP, _POLICER = 1, 2, 129, 130, 132, 135, 142
_TYPES = {0: "drop", 1: "exception"}  # and 2, control: packets that belong to the CPU and are no drops
_COUNTERS = {0: "packets", 1: "bytes", 2: "dropped"}


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace."""
    messages = dump()
    if not messages:
        raise AbsentError("no device has packet traps")
    return parse(messages, host.netns)


def dump() -> list[Message]:
    """Return all traps and their policers."""
    with Netlink(GENERIC) as netlink:
        family = _family(netlink)
        commands = (_HEADER.pack(command, 1, 0) for command in (_TRAP_GET, _TRAP_POLICER_GET))
        return [message for command in commands for message in netlink.dump(family, command)]


def _family(netlink: Netlink) -> int:
    for _type, payload in netlink.dump(_CONTROLLER, _HEADER.pack(_GETFAMILY, 1, 0)):
        found = dict(attributes(payload, _HEADER.size))
        if text(found[_FAMILY_NAME]) == "devlink":
            return int(struct.unpack("=H", found[_FAMILY_ID])[0])
    raise AbsentError("this kernel has no devlink")


def parse(messages: Iterable[Message], netns: int | None) -> list[Reading]:
    """Parse DEVLINK_CMD_TRAP_NEW and DEVLINK_CMD_TRAP_POLICER_NEW messages.

    "packets" and "bytes" are of packets that came up to the CPU, because the trap's action is `trap`; "dropped" is
    what the device dropped by itself, where it counts that.
    """
    return [
        Reading(CounterKey("devlink", name, netns, labels=labels), int.from_bytes(value, sys.byteorder))
        for labels, statistics in map(_trap, messages)
        for kind, value in attributes(statistics) if (name := _COUNTERS.get(kind))
    ]


def _trap(message: Message) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return labels and statistics."""
    found = dict(attributes(message.payload, _HEADER.size))
    device = f"{text(found[_BUS])}/{text(found[_DEVICE])}"
    if _POLICER in found and _TRAP not in found:
        policer = str(struct.unpack("=I", found[_POLICER])[0])
        return (("device", device), ("policer", policer)), found.get(_STATS, b"")
    kind = _TYPES.get(found[_TYPE][0])
    labels = (("device", device), ("group", text(found[_GROUP])), ("trap", text(found[_TRAP])), ("type", kind or ""))
    return labels, found.get(_STATS, b"") if kind else b""
