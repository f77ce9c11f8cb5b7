"""What the reader finds in a history, within a scope."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.reader import DropTotal, Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, Effect, Gap, GapCause, Location, PacketSample, Window
from tests.dropwatchd.conftest import KEY, at, drop, watch
from tests.dwreport.conftest import HOUR_NS, START_NS, History

HOUR = Scope(START_NS, START_NS + HOUR_NS)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path / "history.db")
    yield made
    made.close()


def _drops(history: History, scope: Scope = HOUR) -> list[DropTotal]:
    return read(history.path, lambda connection: Reader(connection, scope, scope.until_ns).drops(scope.since_ns, NANO))


def _sum(history: History, scope: Scope = HOUR) -> int:
    return sum(total.drop.count for total in _drops(history, scope))


def test_rows_of_a_key_are_added_up(history: History) -> None:
    """Counts and bytes add; first and last are those of all."""
    run = history.run()
    history.drop(run, START_NS + 5 * NANO, 3, last_ns=START_NS + 6 * NANO)
    history.drop(run, START_NS + 7 * NANO, 4, last_ns=START_NS + 8 * NANO)
    [total] = _drops(history)
    assert (total.drop.count, total.drop.octets) == (7, 700)
    assert (total.drop.first_ns, total.drop.last_ns) == (START_NS + 5 * NANO, START_NS + 8 * NANO)
    assert dict(total.shape) == {5: 3, 6: 0, 7: 4, 8: 0}  # some of them may lie in the steps of the last


def test_one_unknown_number_of_bytes_makes_the_sum_unknown(history: History) -> None:
    """Unknown is None, never a smaller number."""
    run = history.run()
    history.drop(run, START_NS + 5 * NANO, 3)
    history.drop(run, START_NS + 7 * NANO, 4, bytes=None)
    assert [total.drop.octets for total in _drops(history)] == [None]


def test_a_device_of_two_boots_is_one_row_and_of_two_hosts_two(history: History) -> None:
    """Row ids differ; what a reader of a report would tell apart does not."""
    first = history.run()
    second = history.run(boot_id="b-2")
    other = history.run(hostname="web-4", machine_id="m-2")
    history.drop(first, START_NS + 1 * NANO, 3)
    history.drop(second, START_NS + 2 * NANO, 4, boot_id="b-2")
    history.drop(other, START_NS + 3 * NANO, 5, boot_id="b-3")
    assert [(total.host, total.drop.count) for total in _drops(history)] == [("web-3", 7), ("web-4", 5)]


def test_the_most_drops_come_first(history: History) -> None:
    """Whatever their order in time."""
    run = history.run()
    for count, reason in ((1, "A"), (9, "B"), (5, "C")):
        history.drop(run, START_NS + count * NANO, count, reason=reason)
    assert [total.drop.key.kind.reason for total in _drops(history)] == ["B", "C", "A"]


def test_no_window_that_overlaps_the_scope_is_missed(history: History) -> None:
    """Drops at both edges are apportioned by time, with bounds; the rest is outside."""
    run = history.run()
    edge = START_NS + 60 * NANO
    history.drop(run, START_NS, 1, window_width_ns=60 * NANO, last_ns=edge - 1)
    history.drop(run, START_NS + 1, 2, window_width_ns=120 * NANO, last_ns=edge)
    history.drop(run, edge, 4, window_width_ns=60 * NANO, last_ns=edge + 30 * NANO)
    history.drop(run, edge + 59 * NANO, 8, window_width_ns=60 * NANO, last_ns=edge + 61 * NANO)
    history.drop(run, edge + 60 * NANO, 16)
    totals = _drops(history, Scope(edge, edge + 60 * NANO))
    [total] = totals  # 1 of 2 before the edge, all of 4, and 3 of 8 that came evenly in 2 s of which 1 s is within
    assert (total.drop.count, total.straddling, total.at_most) == (9, 3, 12)


_WINDOWS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60), st.integers(1, 9)), max_size=8,
                    unique_by=lambda window: window[0])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_WINDOWS, st.integers(0, 500), st.integers(1, 200))
def test_a_scope_counts_what_overlaps_it(
    history: History, windows: list[tuple[int, int, int]], since: int, length: int,
) -> None:
    """Of any windows: what is sure to be within is counted, what may be is bounded, and parts add up to the whole."""
    if not _sum(history):
        history.drop(history.run(), START_NS)  # the rows that all drops refer to
    connection = sqlite3.connect(history.path)
    connection.execute("DELETE FROM drops")
    connection.executemany("INSERT INTO drops VALUES (?1, 60000000000, 1, 1, 1, 1, ?3, NULL, ?1, ?2)", [
        (START_NS + first * NANO, START_NS + (first + lasting) * NANO, count) for first, lasting, count in windows])
    def read(since: int, until: int) -> list[DropTotal]:
        scope = Scope(START_NS + since * NANO, START_NS + until * NANO)
        return Reader(connection, scope, scope.until_ns).drops(scope.since_ns, NANO)

    until = since + length
    inside = sum(count for first, lasting, count in windows if first >= since and first + lasting < until)
    touching = sum(count for first, lasting, count in windows if first < until and first + lasting >= since)
    totals = read(since, until)
    count = sum(total.drop.count for total in totals)
    least = sum(total.drop.count - total.straddling for total in totals)
    assert inside <= least <= count <= sum(total.at_most for total in totals) <= touching
    parts = read(0, since) if since else []
    whole = sum(total.drop.count for total in (*parts, *totals, *read(until, 1000)))
    assert whole == sum(count for _first, _lasting, count in windows)
    connection.rollback()
    connection.close()


@pytest.mark.parametrize(("narrowed", "count"), [
    ({"location": ("udp_*",)}, 1), ({"location": ("UDP_*",)}, 0), ({"location": ("*_skb",)}, 1),
    ({"location": ("0xffff*",)}, 8),
    ({"interface": ("eth0",)}, 9), ({"interface": ("eth",)}, 0),
    ({"reason": ("SOCKET_RCVBUFF",)}, 1), ({"reason": ("socket_rcvbuff",)}, 1), ({"reason": ("SOCKET",)}, 0),
    ({"protocol": ("34525",)}, 2), ({"protocol": ("2054",)}, 0),
    ({"netns": ("blue",)}, 4), ({"netns": ("7",)}, 4), ({"netns": ("net:[7]",)}, 4), ({"netns": ("init",)}, 11),
    ({"origin": "hardware"}, 8), ({"origin": "software"}, 7),
    ({"host": "web-3"}, 15), ({"host": "m-1"}, 15), ({"host": "web-4"}, 0),
    ({"interface": ("eth0",), "origin": "software"}, 1), ({"interface": ("veth'; --",)}, 0),
])
def test_filters_narrow_the_scope(history: History, narrowed: dict[str, Any], count: int) -> None:
    """Each alone, and together; a namespace has a name and a number."""
    run = history.run()
    history.drop(run, START_NS + 1 * NANO, 1)
    history.drop(run, START_NS + 2 * NANO, 2, symbol="ip6_rcv", reason="X", protocol=0x86DD, name="eth1")
    history.drop(run, START_NS + 3 * NANO, 4, symbol="tcp_v4_rcv", reason="Y", name="eth2", netns=7, netns_name="blue")
    history.drop(run, START_NS + 4 * NANO, 8, symbol=None, address="0xffffffff81000000", reason=None, origin="hardware")
    assert _sum(history, replace(HOUR, **narrowed)) == count


def test_counters_add_up_and_still_ones_are_absent(history: History) -> None:
    """A counter that went and came back has not moved; filters are those that a counter can have."""
    run = history.run()
    history.counter(run, "UdpNoPorts", 3, START_NS + 10 * NANO)
    history.counter(run, "UdpNoPorts", 4, START_NS + 20 * NANO)
    history.counter(run, "qlen", 5, START_NS + 10 * NANO, gauge=True)
    history.counter(run, "qlen", -5, START_NS + 20 * NANO, gauge=True)
    history.counter(run, "rx_dropped", 7, START_NS + 20 * NANO, collector="link", interface="eth0")
    history.counter(run, "UdpNoPorts", 100, START_NS)

    def moved(scope: Scope) -> dict[str, int]:
        totals = read(history.path, lambda connection: Reader(connection, scope, scope.until_ns).counters())
        return {total.name: total.delta for total in totals}

    assert moved(HOUR) == {"UdpNoPorts": 7, "rx_dropped": 7}
    of_eth0 = replace(HOUR, interface=("eth0",), reason=("X",), location=("y",), protocol=("1",))
    assert moved(of_eth0) == {"rx_dropped": 7}
    assert moved(replace(HOUR, netns=("4026531840",))) == {"UdpNoPorts": 7, "rx_dropped": 7}
    assert moved(replace(HOUR, netns=("blue",))) == {}


def test_a_run_lasts_as_far_as_it_vouched(history: History) -> None:
    """Ended, crashed, and perhaps alive: what comes after the last watch is not known to be of it."""
    now_ns = START_NS + HOUR_NS
    history.run(START_NS, START_NS + 10)
    history.run(START_NS + 20, None, last_seen_ns=START_NS + 30)
    history.run(START_NS + 40, None, last_seen_ns=now_ns - 5 * NANO)
    runs = read(history.path, lambda connection: Reader(connection, HOUR, now_ns).runs())
    assert [(run.until_ns, run.ended) for run in runs] == [
        (START_NS + 10, True), (START_NS + 30, True), (now_ns - 5 * NANO, False)]


def test_gaps_are_those_that_touch_the_scope(history: History) -> None:
    """With what they cost, where it is known."""
    run = history.run()
    history.gap(run, START_NS - 10, START_NS - 1)
    history.gap(run, START_NS - 10, START_NS, lost=3, cause="kernel queue overflow", effect="partial")
    history.gap(run, HOUR.until_ns, HOUR.until_ns + 5)
    [gap] = read(history.path, lambda connection: Reader(connection, HOUR, HOUR.until_ns).gaps())
    assert (gap.host, gap.cause, gap.effect, gap.lost) == ("web-3", "kernel queue overflow", "partial", 3)


def test_text_that_is_no_utf8_is_shown_as_bytes(history: History) -> None:
    """A name of the kernel is any bytes but / and NUL."""
    history.drop(history.run(), START_NS + NANO)
    history.execute("UPDATE interfaces SET name = CAST(X'657468FF' AS TEXT)")
    assert [total.drop.key.interface.name for total in _drops(history)] == ["eth\\xff"]


def test_what_the_writer_wrote_is_read_back(database: Path, new_writer: Callable[..., Writer]) -> None:
    """Drops, packets and gaps, through the real schema."""
    writer = new_writer()
    writer.start(at(1))
    key = KEY._replace(location=Location(None, address=0xFFFFFFFF81000000))
    windows = [Window(5 * NANO, NANO, drop(5, 3)), Window(6 * NANO, NANO, drop(6, 4)),
               Window(6 * NANO, NANO, drop(6, 2, key))]
    packet = PacketSample(KEY, 5 * NANO, 1500, b"\x01\x02", weight=3, link_header=False)
    gap = Gap(7 * NANO, 8 * NANO, GapCause.MAP_FULL, Effect.PARTIAL, 9)
    writer.write(Batch(windows=windows, packets=[packet], gaps=[gap], watches=[watch(1, 9)]))
    scope = Scope(0, 100 * NANO)

    def query(reader: Reader) -> None:
        assert [(total.drop.key, total.drop.count) for total in reader.drops(0, NANO)] == [(KEY, 7), (key, 2)]
        assert [window for _, window in reader.windows()] == windows
        [row] = reader.packets()
        assert (row.key, row.time_ns, row.length, row.weight, row.link_header, row.data) == (
            KEY, 5 * NANO, 1500, 3, False, b"\x01\x02")
        [found] = reader.gaps()
        assert (found.since_ns, found.until_ns, found.cause, found.effect, found.lost) == (
            7 * NANO, 8 * NANO, "map full", "partial", 9)
        [run] = reader.runs()
        assert (run.hostname, run.until_ns, run.ended) == ("host", 9 * NANO, False)
        [seen] = reader.watches()
        assert (seen.host, seen.what, seen.since_ns, seen.until_ns) == ("host", "daemon", NANO, 9 * NANO)

    read(database, lambda connection: query(Reader(connection, scope, 10 * NANO)))
