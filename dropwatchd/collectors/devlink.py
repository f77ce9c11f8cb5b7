"""Packets that hardware dropped, by devlink trap, and what the traps' policers held back."""

import struct
import sys
from collections.abc import Iterable

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.devlink import HEADER, traps
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, attributes, text
from dropwatchd.model import CounterKey, Reading

_BUS, _DEVICE, _STATS, _TRAP, _TYPE, _GROUP, _POLICER = 1, 2, 129, 130, 132, 135, 142
_TYPES = {0: "drop", 1: "exception"}  # and 2, control: packets that belong to the CPU and are no drops
_COUNTERS = {0: "packets", 1: "bytes", 2: "dropped"}


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace."""
    try:
        messages = traps()
    except LookupError as error:
        raise AbsentError(str(error)) from None
    if not messages:
        raise AbsentError("no device has packet traps")
    return parse(messages, host.netns)


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
    found = dict(attributes(message.payload, HEADER.size))
    device = f"{text(found[_BUS])}/{text(found[_DEVICE])}"
    if _POLICER in found and _TRAP not in found:
        policer = str(struct.unpack("=I", found[_POLICER])[0])
        return (("device", device), ("policer", policer)), found.get(_STATS, b"")
    kind = _TYPES.get(found[_TYPE][0])
    labels = (("device", device), ("group", text(found[_GROUP])), ("trap", text(found[_TRAP])), ("type", kind or ""))
    return labels, found.get(_STATS, b"") if kind else b""
