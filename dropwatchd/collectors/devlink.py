"""Packets that hardware dropped, by devlink trap, what the traps' policers held back, and hardware that failed."""

import struct
import sys
from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.devlink import HEADER, reporters, traps
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, attributes, text
from dropwatchd.model import CounterKey, Reading

_BUS, _DEVICE, _STATS, _TRAP, _TYPE, _GROUP, _POLICER = 1, 2, 129, 130, 132, 135, 142
_TYPES = {0: "drop", 1: "exception"}  # and 2, control: packets that belong to the CPU and are no drops
_HEALTH, _PORT = 114, 3
_REPORTER, _HEALTH_COUNTERS = 115, {117: "health_errors", 118: "health_recoveries"}
_COUNTERS = {0: "packets", 1: "bytes", 2: "dropped"}


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace."""
    try:
        messages, health = traps(), reporters()
    except LookupError as error:
        raise AbsentError(str(error)) from None
    if not messages and not health:
        raise AbsentError("no device has packet traps or reporters of its health")
    return [*parse(messages, host.netns), *parse_health(health, host.netns)]


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


def parse_health(messages: Iterable[Message], netns: int | None) -> Iterator[Reading]:
    """Parse DEVLINK_CMD_HEALTH_REPORTER_GET messages: how often a part of a device failed, and was brought back."""
    for _type, payload in messages:
        found = dict(attributes(payload, HEADER.size))
        reporter = dict(attributes(found.get(_HEALTH, b"")))
        port = (("port", str(struct.unpack("=I", found[_PORT])[0])),) if _PORT in found else ()
        labels = (("device", f"{text(found[_BUS])}/{text(found[_DEVICE])}"), *port,
                  ("reporter", text(reporter.get(_REPORTER, b""))))
        for kind, name in _HEALTH_COUNTERS.items():
            if kind in reporter:
                value = int.from_bytes(reporter[kind], sys.byteorder)
                yield Reading(CounterKey("devlink", name, netns, labels=labels), value, from_zero=False)
