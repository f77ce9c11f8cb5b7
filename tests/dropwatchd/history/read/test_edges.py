"""Where a report's window begins and ends: what is within, what is not, and what may be either."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from tests.dwreport.conftest import HOUR_NS, START_NS, History

T = TypeVar("T")
END_NS = START_NS + HOUR_NS
HOUR = Scope(START_NS, END_NS)
EDGES = (START_NS - 1, START_NS, END_NS - 1, END_NS)  # the second and the third are within


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path / "history.db")
    yield made
    made.close()


def _ask(history: History, question: Callable[[Reader], T], scope: Scope = HOUR) -> T:
    with closing(sqlite3.connect(history.path)) as connection:
        return question(Reader(connection, scope, END_NS))


def test_drops_at_the_edges(history: History) -> None:
    """The first moment is within, the last is not; neither is uncertain."""
    run = history.run()
    for number, time_ns in enumerate(EDGES):
        history.drop(run, time_ns, 10 ** number)
    history.drop(run, END_NS, 10_000, window_start_ns=END_NS - 5)  # its window begins before, its drops do not
    (total,) = _ask(history, lambda reader: reader.drops(START_NS, NANO))
    assert (total.drop.count, total.straddling, total.at_most) == (110, 0, 110)


def test_drops_across_the_edges(history: History) -> None:
    """At its first and its last time a packet was dropped for sure: the others may be on either side."""
    run = history.run()
    for begin in (START_NS, END_NS):
        history.drop(run, begin - NANO // 2, 12, last_ns=begin + NANO // 2)
        (total,) = _ask(history, lambda reader: reader.drops(START_NS, NANO))
        assert (total.drop.count, total.straddling, total.at_most) == (6, 5, 11)
        history.execute("DELETE FROM drops")


def test_a_folded_window_that_reaches_into_the_window_is_not_missed(history: History) -> None:
    """Though it began an hour before."""
    history.drop(history.run(), START_NS - HOUR_NS + 1, 2, window_width_ns=HOUR_NS, last_ns=START_NS)
    (total,) = _ask(history, lambda reader: reader.drops(START_NS, NANO))
    assert total.drop.count == 1


def test_packets_at_the_edges(history: History) -> None:
    """As drops."""
    run = history.run()
    history.drop(run, START_NS)
    for time_ns in EDGES:
        history.packet(run, time_ns, b"x")
    assert [packet.time_ns for packet in _ask(history, lambda reader: list(reader.packets()))] == [*EDGES[1:3]]


def test_of_many_packets_so_many_of_each_key_are_taken(history: History) -> None:
    """Not one less, and all where there are no more."""
    run = history.run()
    history.drop(run, START_NS)
    history.drop(run, START_NS, reason="OTHER")
    for number in range(9):
        history.packet(run, START_NS + number, b"x", kind_id=1 if number < 7 else 2)
    for most, count in ((1, 2), (2, 4), (4, 6), (7, 9), (100, 9)):
        assert len(_ask(history, lambda reader, most=most: list(reader.packets(most)))) == count  # type: ignore[misc]


@pytest.mark.parametrize(("since_ns", "until_ns", "moved"), [
    (START_NS - 5, START_NS, None), (START_NS - 5, START_NS + 1, (7, 7)), (START_NS, START_NS + 5, (7, 0)),
    (END_NS - 5, END_NS, (7, 0)), (END_NS - 1, END_NS + 5, (7, 7)), (END_NS, END_NS + 5, None),
    (START_NS - 5, END_NS + 5, (7, 7)),
])
def test_changes_at_the_edges(
    history: History, since_ns: int, until_ns: int, moved: tuple[int, int] | None,
) -> None:
    """A counter that moved between two readings, of which one is outside, may have moved there."""
    history.counter(history.run(), "UdpNoPorts", 7, until_ns, since_ns=since_ns)
    found = [(total.delta, total.straddling) for total in _ask(history, lambda reader: reader.counters())]
    assert found == ([] if moved is None else [moved])


def test_what_straddles_falls_as_well_as_it_rises(history: History) -> None:
    """Two that cancel each other are uncertain all the same."""
    run = history.run()
    history.counter(run, "qlen", 9, START_NS + 5, since_ns=START_NS - 5, gauge=True)
    history.counter(run, "qlen", -5, END_NS + 5, since_ns=END_NS - 5, gauge=True)
    assert [(total.delta, total.straddling) for total in _ask(history, lambda reader: reader.counters())] == [(4, 14)]


def test_gaps_and_watches_at_the_edges(history: History) -> None:
    """What ends with the first moment touches it, what begins with the last does not."""
    run = history.run(START_NS - 100, START_NS - 90)
    history.execute("DELETE FROM watches")
    for since_ns, until_ns in ((START_NS - 9, START_NS - 1), (START_NS - 8, START_NS), (END_NS - 1, END_NS + 9),
                               (END_NS, END_NS + 9)):
        history.gap(run, since_ns, until_ns, effect="partial")
        history.watch(run, "software", "bpf", since_ns, until_ns)
    begins = [START_NS - 8, END_NS - 1]
    assert [gap.since_ns for gap in _ask(history, lambda reader: reader.gaps())] == begins
    assert [watch.since_ns for watch in _ask(history, lambda reader: reader.watches())] == begins


def test_events_at_the_edges(history: History) -> None:
    """And so long before as one asks: what happened then may be why something is dropped now."""
    run = history.run()
    for time_ns in (START_NS - 6, START_NS - 5, *EDGES):
        history.event(run, time_ns, "link down", "eth0")
    for before, times in ((0, EDGES[1:3]), (5, (START_NS - 5, *EDGES[:3]))):
        events = _ask(history, lambda reader, before=before: reader.events(before))  # type: ignore[misc]
        assert [event.time_ns for event in events] == [*times]


def test_a_run_that_was_replaced_is_over(history: History) -> None:
    """It did not say so; another machine's run says nothing about it."""
    history.run(START_NS, None, last_seen_ns=START_NS + 5)
    history.run(START_NS + 20, None, last_seen_ns=START_NS + 30)
    history.run(START_NS + 40, None, last_seen_ns=START_NS + 50, machine_id="m-2", hostname="web-4")
    assert [run.ended for run in _ask(history, lambda reader: reader.runs())] == [True, False, False]


def test_a_device_of_two_boots_is_as_uncertain_as_both(history: History) -> None:
    """Counts, bounds and unknown octets add up, whichever row comes first."""
    for boot, begin, octets in (("b-1", START_NS, 1200), ("b-2", END_NS, None)):
        history.drop(history.run(boot_id=boot), begin - NANO // 2, 12, last_ns=begin + NANO // 2, boot_id=boot,
                     bytes=octets)
    (total,) = _ask(history, lambda reader: reader.drops(START_NS, NANO))
    assert (total.drop.count, total.straddling, total.at_most, total.drop.octets) == (12, 10, 22, None)


def test_a_namespace_is_shown_by_its_newest_name(history: History) -> None:
    """A row without a name hides none, however new it is; one that never had any is shown by its inode."""
    for inode, name, until in ((7, "new", 30), (7, "old", 20), (7, None, 40), (8, None, 10)):
        history.namespace(inode, name)
        where = f"name = '{name}'" if name else f"name IS NULL AND inode = {inode}"
        history.execute(f"UPDATE namespaces SET valid_until_ns = {until} WHERE {where}")  # noqa: S608 - of this test
    assert sorted(_ask(history, lambda reader: reader.netns_names()).values()) == ["net:[8]", "new"]
