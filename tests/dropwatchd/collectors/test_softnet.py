"""The softnet collector."""

from dropwatchd.collectors import softnet
from tests import fixtures


def test_counters_are_of_the_host() -> None:
    """CPUs belong to no network namespace."""
    assert {reading.key.netns for reading in softnet.collect(fixtures.host("6.18"))} == {None}


def test_cpu_is_the_one_that_the_kernel_names() -> None:
    """With CPU 1 offline, the second line is of CPU 2."""
    text = (
        "0000000a 0000000b 0000000c 0 0 0 0 0 0 0000000d 0000000e 0000000f 00000000 00000000 00000000\n"
        "ffffffff 00000001 00000002 0 0 0 0 0 0 00000003 00000004 00000005 00000002 00000000 00000000\n"
    )
    assert fixtures.describe(softnet.parse(text)).splitlines() == [
        "cpu=0 processed 10 32 bit",
        "cpu=0 dropped 11 32 bit",
        "cpu=0 time_squeeze 12 32 bit",
        "cpu=0 received_rps 13 32 bit",
        "cpu=0 flow_limit_count 14 32 bit",
        "cpu=0 backlog 15 gauge",
        "cpu=2 processed 4294967295 32 bit",
        "cpu=2 dropped 1 32 bit",
        "cpu=2 time_squeeze 2 32 bit",
        "cpu=2 received_rps 3 32 bit",
        "cpu=2 flow_limit_count 4 32 bit",
        "cpu=2 backlog 5 gauge",
        "zero: 0",
    ]


def test_kernel_that_prints_fewer_columns() -> None:
    """Before 5.10 there was neither the backlog's length nor the CPU's number: the line stands for it."""
    text = "00000001 00000002 00000003 0 0 0 0 0 0 00000004 00000005\n" * 2
    readings = softnet.parse(text)
    assert {reading.key.labels for reading in readings} == {(("cpu", "0"),), (("cpu", "1"),)}
    assert "backlog" not in {reading.key.name for reading in readings}
