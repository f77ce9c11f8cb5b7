"""The synproxy collector."""

from dropwatchd.collectors import synproxy
from tests import fixtures


def test_line_for_each_cpu() -> None:
    """Numbers are hexadecimal, and of 32 bits; the first column counts nothing."""
    text = (
        "entries\t\tsyn_received\tcookie_invalid\tcookie_valid\tcookie_retrans\tconn_reopened\n"
        "00000000\t0000000a\t00000002\t00000008\t00000001\t00000000\n"
        "00000000\t00000000\tffffffff\t00000000\t00000000\t00000003\n"
    )
    assert fixtures.describe(synproxy.parse(text, fixtures.NETNS)).splitlines() == [
        "cpu=0 syn_received 10 32 bit", "cpu=0 cookie_invalid 2 32 bit", "cpu=0 cookie_valid 8 32 bit",
        "cpu=0 cookie_retrans 1 32 bit", "cpu=1 cookie_invalid 4294967295 32 bit", "cpu=1 conn_reopened 3 32 bit",
        "zero: 4",
    ]
