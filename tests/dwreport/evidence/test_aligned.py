"""Which drops lie between two readings of the counters, asked of a real database."""

import sqlite3
from contextlib import closing
from dataclasses import replace

from dropwatchd.history.read.aligned import Aligned, AlignedDrop
from dropwatchd.history.read.reader import CounterTotal, Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from tests.dwreport.conftest import HOUR_NS, START_NS, History

BLUE = {"netns": 7, "netns_name": "blue"}
HOUR = Scope(START_NS, START_NS + HOUR_NS)
NAMES = ["UdpNoPorts", "IpInReceives"]


def _second(number: float) -> int:
    return START_NS + int(number * NANO)


def _read(history: History, scope: Scope = HOUR) -> tuple[
        list[AlignedDrop], list[CounterTotal], set[tuple[object, ...]]]:
    with closing(sqlite3.connect(history.path)) as connection:
        aligned = Aligned(Reader(connection, scope, START_NS + HOUR_NS))
        return aligned.drops(), aligned.counters(), set(aligned.looked_at(NAMES))


def _readings(history: History, run: int, first: int, last: int, **place: object) -> None:
    """Read a counter in two rounds, ten seconds after `first` and at `last`."""
    history.counter(run, "IpInReceives", 1, _second(first + 10), **place)
    history.counter(run, "IpInReceives", 1, _second(last), **place)


def test_each_drop_is_inside_near_or_outside(history: History) -> None:
    """Of the readings at 100 s and 200 s; within a second of one, a drop may be on either side of it."""
    run = history.run()
    _readings(history, run, 100, 200)
    for second, count in ((50, 1), (99.5, 20), (100.5, 20), (102, 300), (150, 300), (198, 300), (199.5, 20), (210, 1)):
        history.drop(run, _second(second), count)
    [drop] = _read(history)[0]
    assert (drop.count, drop.inside, drop.at_most) == (962, 900, 960)


def test_namespaces_have_readings_of_their_own(history: History) -> None:
    """One that was made later is compared from then on; the whole host from the first reading of all."""
    run = history.run()
    _readings(history, run, 100, 300)
    _readings(history, run, 200, 300, netns=7)
    for second in (150, 250):
        history.drop(run, _second(second), 5)
        history.drop(run, _second(second), 7, **BLUE)
        history.drop(run, _second(second), 9, netns=None, netns_name=None)
    found = {drop.key.interface.netns_inode: drop for drop in _read(history)[0]}
    assert {netns: drop.inside for netns, drop in found.items()} == {4026531840: 10, 7: 7, None: 18}
    assert {netns: drop.host_inside for netns, drop in found.items()} == {4026531840: 10, 7: 14, None: 18}


def test_a_namespace_that_rests_has_been_read_all_the_same(history: History) -> None:
    """Up to the edges of the window, or to the first and last time that it was read: it may be there no more."""
    run = history.run(_second(-100))
    history.visited(run, _second(-90), _second(3700))
    history.visited(run, _second(100), _second(200), netns=7)
    for second in (5, 150, 3500):
        history.drop(run, _second(second), 5)
        history.drop(run, _second(second), 7, **BLUE)
    found = {drop.key.interface.netns_inode: drop for drop in _read(history)[0]}
    assert {netns: (drop.inside, drop.at_most) for netns, drop in found.items()} == {
        4026531840: (15, 15), 7: (7, 7)}


def test_what_moves_across_the_end_bounds_a_namespace_that_is_read_beyond(history: History) -> None:
    """Of the last reading before the end of the window, not of the one after it: that change is not counted."""
    run = history.run()
    history.visited(run, _second(10), _second(3700))
    history.counter(run, "UdpNoPorts", 5, _second(3605))
    for second in (3590, 3598):
        history.drop(run, _second(second), 5)
    [drop] = _read(history)[0]
    assert (drop.count, drop.inside, drop.at_most) == (10, 5, 5)


def test_what_moves_across_the_begin_bounds_a_namespace_that_was_read_before(history: History) -> None:
    """By the first reading within: the whole of that change is not counted, though another namespace's is."""
    run = history.run(_second(-200))
    for netns in (4026531840, 7):
        history.visited(run, _second(-100), _second(3700), netns)
    history.counter(run, "UdpNoPorts", 5, _second(7))
    history.counter(run, "UdpNoPorts", 5, _second(4), since_ns=_second(-12), netns=7)
    for second, count in ((-2, 5), (20, 7)):
        history.drop(run, _second(second), count, **BLUE)
    [drop] = _read(history)[0]
    assert (drop.count, drop.inside, drop.at_most) == (12, 7, 7)


def test_time_between_two_runs_is_in_neither(history: History) -> None:
    """Each run has its own first and last reading."""
    for first in (100, 1000):
        run = history.run(_second(first), _second(first + 200))
        _readings(history, run, first, first + 200)
        history.drop(run, _second(first + 100), 5)
        history.drop(run, _second(first + 250), 1)
    [drop] = _read(history)[0]
    assert (drop.count, drop.inside, drop.at_most) == (12, 10, 10)


def test_only_whole_changes_are_counted(history: History) -> None:
    """A change that ends after the window, or began long before, holds what is not the window's."""
    run = history.run()
    for until_ns, delta in ((_second(15), 20), (_second(3600), 4000), (_second(3605), 300)):
        history.counter(run, "UdpNoPorts", delta, until_ns)
    history.counter(run, "IpInReceives", 1, _second(5), since_ns=_second(-1000))
    assert [total.delta for total in _read(history)[1]] == [20]


def test_a_window_that_begins_between_two_readings_is_taken_from_the_earlier_on(history: History) -> None:
    """With the drops since then."""
    run = history.run(_second(-100))
    _readings(history, run, -5, 200)
    history.counter(run, "UdpNoPorts", 12, _second(5))
    for second, count in ((-12, 1), (-3, 5), (2, 7)):
        history.drop(run, _second(second), count)
    [drop], counters, _ = _read(history)
    assert (drop.count, drop.inside) == (12, 12)
    assert [total.delta for total in counters if total.name == "UdpNoPorts"] == [12]


def test_filters_of_the_report_do_not_matter(history: History) -> None:
    """A counter knows no reason and no interface; of hosts, each has its own."""
    run = history.run()
    _readings(history, run, 100, 300)
    history.drop(run, _second(150), 5)
    assert _read(history, replace(HOUR, reason=("OTHER",), interface=("eth9",), netns=("blue",))) == _read(history)
    assert _read(history, replace(HOUR, host="web-9")) == ([], [], set())


def test_counters_that_rest_have_been_looked_at(history: History) -> None:
    """They were there when the run began."""
    run = history.run()
    history.looked(run, "UdpNoPorts")
    history.looked(run, "TcpInErrs")
    assert _read(history)[2] == {("web-3", "snmp", "UdpNoPorts", 1)}


def test_what_was_read_before_the_window_alone_has_not_been_looked_at(history: History) -> None:
    """Though the daemon goes on, and may yet write that it was."""
    run = history.run(_second(-7200), None, last_seen_ns=_second(3600), ending=None)
    history.looked(run, "UdpNoPorts", _second(-3600))
    assert _read(history)[2] == set()


def test_a_namespace_that_nobody_watched_has_not_been_looked_at(history: History) -> None:
    """The same collector was read in another one."""
    run = history.run()
    history.looked(run, "UdpNoPorts")
    history.looked(run, "IpInReceives", netns=7)
    history.execute("DELETE FROM watches WHERE namespace_id IN (SELECT id FROM namespaces WHERE inode = 7)")
    assert _read(history)[2] == {("web-3", "snmp", "UdpNoPorts", 1)}


def test_what_was_watched_at_another_time_has_not_looked(history: History) -> None:
    """That a counter was read before the window says nothing of the window."""
    run = history.run(_second(-200))
    history.looked(run, "UdpNoPorts", _second(-100))
    history.looked(run, "IpInReceives", _second(-100), collector="other")
    history.watch(run, "counters", "other", _second(-90), _second(100), namespace_id=1)
    assert _read(history)[2] == {("web-3", "other", "IpInReceives", 1)}


def test_what_was_switched_off_has_not_looked(history: History) -> None:
    """A reload took the collector away in the midst of the window: that its counters rest means nothing."""
    run = history.run()
    for name, collector in (("UdpNoPorts", "snmp"), ("IpInReceives", "other")):
        history.looked(run, name, collector=collector)
    host, init = "web-3", 1
    assert _read(history)[2] == {(host, "snmp", "UdpNoPorts", init), (host, "other", "IpInReceives", init)}
    history.execute("UPDATE watches SET ending = 'switched off' WHERE name = 'snmp'")
    assert _read(history)[2] == {(host, "other", "IpInReceives", init)}


def test_what_was_looked_at_begins_with_the_earlier_reading(history: History) -> None:
    """A watch that ended before the window counts where the drops that are compared begin before it; not one before."""
    run = history.run(_second(-300))
    for name, collector, until in (("UdpNoPorts", "snmp", -60), ("IpInReceives", "other", -120)):
        history.looked(run, name, _second(-300), collector=collector)
        history.watch(run, "counters", collector, _second(-299), _second(until), namespace_id=1)
    assert _read(history)[2] == set()
    history.counter(run, "IpInReceives", 1, _second(5), since_ns=_second(-90))
    assert _read(history)[2] == {("web-3", "snmp", "UdpNoPorts", 1)}


def test_a_collector_that_failed_has_not_looked(history: History) -> None:
    """In any namespace: which of its counters it missed nobody knows."""
    run = history.run()
    for name, collector in (("UdpNoPorts", "snmp"), ("IpInReceives", "other")):
        history.looked(run, name, collector=collector)
    history.gap(run, _second(100), _second(110), cause="collector failed", effect="detail", scope="counters:snmp@blue")
    assert _read(history)[2] == {("web-3", "other", "IpInReceives", 1)}


def test_what_was_looked_at_is_found_in_as_many_steps_as_there_are_runs(history: History) -> None:
    """A daemon that was restarted again and again has as many watches as readings: no look at each pair of them."""
    def steps(runs: int) -> int:
        for _ in range(runs):
            run = history.run(boot_id="b-1")
            history.execute(f"""
                WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                INSERT INTO watches SELECT NULL, {run}, 'counters', 'other' || i, NULL, {START_NS}, {_second(3600)},
                                           {START_NS}, {_second(3600)}, '[]', '' FROM n""")  # noqa: S608
            history.looked(run, "UdpNoPorts")
        taken = 0

        def count() -> None:
            nonlocal taken
            taken += 1

        with closing(sqlite3.connect(history.path)) as connection:
            aligned = Aligned(Reader(connection, HOUR, START_NS + HOUR_NS))
            connection.set_progress_handler(count, 100)
            assert aligned.looked_at(NAMES) == {("web-3", "snmp", "UdpNoPorts", 1)}
        return taken

    few = steps(20)
    assert steps(60) < 8 * few  # of 80 runs; each pair of watch and reading would make it 16
