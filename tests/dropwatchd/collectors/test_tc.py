"""The tc collector."""

import struct

import pytest

from dropwatchd.collectors import AbsentError, tc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, packed
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_actions() -> None:
    """An action is known by its kind and number."""
    def action(kind: bytes, index: int, drops: int) -> bytes:
        queue = packed(3, struct.pack("=IIIII", 0, 0, drops, 0, drops + 1))
        return packed(1, kind) + packed(3, struct.pack("=I", index)) + packed(4, queue)

    table = packed(1, action(b"gact\0", 1, 5)) + packed(2, action(b"police\0", 1, 7))
    assert fixtures.describe(tc.parse([Message(50, bytes(4) + packed(1, table))], netns=None)).splitlines() == [
        "action=gact index=1 drops 5 32 bit",
        "action=gact index=1 overlimits 6 32 bit",
        "action=police index=1 drops 7 32 bit",
        "action=police index=1 overlimits 8 32 bit",
        "zero: 0",
    ]


@pytest.mark.kernel
def test_no_actions() -> None:
    """A namespace without actions has none of these counters, whichever kinds its kernel knows."""
    with Namespace() as namespace, pytest.raises(AbsentError, match="action"):
        namespace.run(lambda: tc.collect(Host()))
