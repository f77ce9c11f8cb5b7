"""The snmp6 collector."""

from dropwatchd.collectors import snmp6


def test_value_beyond_signed_64_bit() -> None:
    """A counter of octets may use all of its 64 bits."""
    (reading,) = snmp6.parse("Ip6InOctets \t18446744073709551615\n", netns=None)
    assert reading.value == 2**64 - 1
