"""The sctp collector."""

from dropwatchd.collectors import sctp


def test_associations_are_a_gauge() -> None:
    """The number of established associations falls again; the rest are counters."""
    readings = sctp.parse("SctpCurrEstab \t2\nSctpChecksumErrors \t3\n", netns=7)
    assert [(reading.key.name, reading.value, reading.bits) for reading in readings] == [
        ("SctpCurrEstab", 2, 0), ("SctpChecksumErrors", 3, 64),
    ]
