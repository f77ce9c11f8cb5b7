"""The softnet collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import softnet
from dropwatchd.kernel.host import Host
from dropwatchd.model import Instant
from dropwatchd.pipeline.deltas import Deltas
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


OLD = "{:08x} {:08x} 00000000 0 0 0 0 0 0 00000000 00000000\n"  # as kernels before 5.10 print it


def tree(folder: Path, online: str, *rows: tuple[int, int]) -> Host:
    """Return a host of these CPUs, with what each has processed and dropped."""
    for name, text in (("proc/thread-self/net/softnet_stat", "".join(OLD.format(*row) for row in rows)),
                       ("sys/devices/system/cpu/online", f"{online}\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Host(folder / "proc", folder / "sys", fixtures.NETNS)


def test_cpu_offline_on_a_kernel_that_does_not_number_lines(tmp_path: Path) -> None:
    """Before 5.10 a line is of the next CPU that is online: none passes for another, going and coming back."""
    deltas = Deltas()
    rows = ((1000, 5), (2000, 0), (9000, 700), (500, 0))
    deltas.advance("softnet", softnet.collect(tree(tmp_path, "0-3", *rows)), Instant(1, 1))
    gone, _ = deltas.advance("softnet", softnet.collect(tree(tmp_path, "0,2-3", rows[0], *rows[2:])), Instant(2, 2))
    back, _ = deltas.advance("softnet", softnet.collect(tree(tmp_path, "0-3", *rows[:3], (600, 1))), Instant(3, 3))
    assert gone == []
    assert [(change.key.name, dict(change.key.labels), change.delta) for change in back] == [
        ("processed", {"cpu": "3"}, 100), ("dropped", {"cpu": "3"}, 1),
    ]


def test_backlog_is_of_newer_kernels(tmp_path: Path) -> None:
    """Before 5.10 the backlog's length is not told."""
    assert "backlog" not in {reading.key.name for reading in softnet.collect(tree(tmp_path, "0", (1, 2)))}


def test_lines_that_are_no_cpus(tmp_path: Path) -> None:
    """Where lines and CPUs do not match, nothing is read, rather than something wrong."""
    with pytest.raises(ValueError, match="zip"):
        softnet.collect(tree(tmp_path, "0-3", (1, 2), (3, 4)))
