"""The devlink collector."""

import struct

from dropwatchd.collectors import devlink
from dropwatchd.kernel.netlink import Message, packed
from tests import fixtures

DEVICE = packed(1, b"pci\0") + packed(2, b"0000:01:00.0\0")


def message(*attributes: bytes) -> Message:
    return Message(30, struct.pack("=BBH", 0, 1, 0) + DEVICE + b"".join(attributes))


def statistics(**numbers: int) -> bytes:
    kinds = {"packets": 0, "bytes": 1, "dropped": 2}
    return packed(129, b"".join(packed(kinds[name], struct.pack("=Q", value)) for name, value in numbers.items()))


def trap(name: bytes, kind: int, numbers: bytes) -> Message:
    return message(packed(130, name + b"\0"), packed(132, bytes([kind])), packed(135, b"l3_drops\0"), numbers)


def test_traps_and_policers() -> None:
    """Drops and exceptions are counters by trap; control packets are none; a policer has what it held back."""
    found = devlink.parse([
        trap(b"blackhole_route", 0, statistics(packets=5, bytes=600, dropped=7)),
        trap(b"ttl_value_is_too_small", 1, statistics(packets=1, bytes=60)),
        trap(b"bgp", 2, statistics(packets=9, bytes=900)),
        message(packed(142, struct.pack("=I", 3)), statistics(dropped=4)),
    ], netns=None)
    place = "device=pci/0000:01:00.0 group=l3_drops"
    assert fixtures.describe(found).splitlines() == [
        f"{place} trap=blackhole_route type=drop packets 5",
        f"{place} trap=blackhole_route type=drop bytes 600",
        f"{place} trap=blackhole_route type=drop dropped 7",
        f"{place} trap=ttl_value_is_too_small type=exception packets 1",
        f"{place} trap=ttl_value_is_too_small type=exception bytes 60",
        "device=pci/0000:01:00.0 policer=3 dropped 4",
        "zero: 0",
    ]


def reporter(name: bytes, errors: int, recoveries: int) -> bytes:
    counts = packed(117, struct.pack("=Q", errors)) + packed(118, struct.pack("=Q", recoveries))
    return packed(114, packed(115, name + b"\0") + packed(116, b"\0") + counts)


def test_health() -> None:
    """What failed is told by the part, and the port where it has one; counts are what the device brought along."""
    found = list(devlink.parse_health([
        message(reporter(b"fw", 0, 0)), message(packed(3, struct.pack("=I", 1)), reporter(b"tx", 3, 2)),
    ], fixtures.NETNS))
    assert fixtures.describe(found).splitlines() == [
        "device=pci/0000:01:00.0 port=1 reporter=tx health_errors 3",
        "device=pci/0000:01:00.0 port=1 reporter=tx health_recoveries 2",
        "zero: 2",
    ]
    assert {reading.from_zero for reading in found} == {False}
