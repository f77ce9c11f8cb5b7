"""The route collector."""

from dropwatchd.collectors import route
from tests import fixtures

TEXT = """entries  in_hit   in_no_route in_martian_dst in_martian_src out_hit
00000005 00000000 00000001    0000000a       00000003       00000007
00000005 00000000 00000002    00000000       ffffffff       00000007
"""


def test_refused_by_cpu() -> None:
    """Packets without a route and with impossible addresses are counted per CPU, 32 bit wide; hits are not drops."""
    assert fixtures.describe(route.parse(TEXT)).splitlines() == [
        "cpu=0 in_no_route 1 32 bit",
        "cpu=0 in_martian_dst 10 32 bit",
        "cpu=0 in_martian_src 3 32 bit",
        "cpu=1 in_no_route 2 32 bit",
        "cpu=1 in_martian_src 4294967295 32 bit",
        "zero: 1",
    ]
