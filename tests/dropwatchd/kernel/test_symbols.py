"""What the kernel prints for an address becomes symbol, offset and module."""

import pytest

from dropwatchd.kernel.symbols import parse_printed
from dropwatchd.model import Location


@pytest.mark.parametrize(("text", "location"), [
    ("__udp4_lib_rcv+0x4bc/0xa70", Location("__udp4_lib_rcv", 0x4BC)),
    ("br_forward+0x10/0x20 [bridge]", Location("br_forward", 0x10, "bridge")),
    ("br_forward+0x10/0x20 [bridge 4d1ab2f]", Location("br_forward", 0x10, "bridge")),
    ("ip_rcv.isra.0+0x1/0x2", Location("ip_rcv.isra.0", 1)),
    ("nf_hook_slow+0x9d", Location("nf_hook_slow", 0x9D)),
    ("tcp_v4_rcv", Location("tcp_v4_rcv")),
    ("0xffffffffc0001234", Location(None, address=0xFFFFFFFFC0001234)),
    ("", Location(None, address=0xFFFFFFFFC0001234)),
])
def test_printed_addresses(text: str, location: Location) -> None:
    """A symbol makes the address needless; without one the address is all there is."""
    assert parse_printed(text, 0xFFFFFFFFC0001234) == location
