"""What expires takes along what vouched for it, and the ledger says since when; the clock has to prove itself."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.history.calendar import Calendar
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, Drop, Instant, PacketSample, Window
from tests.dropwatchd.conftest import KEY, at, drop, watch

DAY = 86_400
NOW = 1000 * DAY
BEGAN = NOW - 200 * DAY
KINDS = ("software", "hardware", "counters", "packets", "daemon")


def _rows(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def writer(new_writer: Callable[..., Writer]) -> Writer:
    writer = new_writer()
    writer.start(at(1))
    return writer


def _tidy(writer: Writer, second: float, options: RetentionOptions | None = None) -> None:
    while writer.tidy(options or RetentionOptions(), at(second)):
        pass


def _window(second: int, count: int = 1) -> Window:
    return Window(second * NANO, NANO, drop(second, count))


def _watched(database: Path) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {what: [] for what in KINDS}
    for what, since, until in _rows(database, "SELECT what, since_ns / 1000000000, until_ns / 1000000000 FROM watches"
                                              " ORDER BY since_ns"):
        found[what].append((since, until))
    return found


def test_watches_are_shortened_with_what_they_vouched_for(database: Path, writer: Writer) -> None:
    """Each by what it is about; that the daemon ran is known for good."""
    writer.write(Batch(watches=[one for what in KINDS for one in (
        watch(BEGAN, BEGAN + DAY, what), watch(BEGAN + 2 * DAY, NOW, what))]))
    _tidy(writer, NOW)
    kept = (NOW - 90 * DAY, NOW)
    assert _watched(database) == {
        "software": [kept], "hardware": [kept], "counters": [kept], "packets": [(NOW - 7 * DAY, NOW)],
        "daemon": [(BEGAN, BEGAN + DAY), (BEGAN + 2 * DAY, NOW)]}


def test_what_has_expired_is_in_the_ledger_from_the_first_on(database: Path, writer: Writer) -> None:
    """One row that grows by the day, and never expires itself."""
    writer.write(Batch(watches=[watch(BEGAN, NOW + 2 * DAY, what) for what in KINDS]))
    for day in range(3):
        _tidy(writer, NOW + day * DAY)
        assert _rows(database, "SELECT scope, effect, since_ns / 1000000000, until_ns / 1000000000 FROM gaps"
                               " WHERE cause = 'expired' ORDER BY scope") == [
            ("drops", "blind", BEGAN, NOW + (day - 90) * DAY), ("packets", "blind", BEGAN, NOW + (day - 7) * DAY)]


def test_why_something_expired_early_is_told_when_more_has_expired_by_age(database: Path, writer: Writer) -> None:
    """The row of what was removed for its size stays when later rows have expired past it."""
    writer.write(Batch(windows=[_window(NOW - DAY)], watches=[watch(NOW - 2 * DAY, NOW, what) for what in KINDS]))
    _tidy(writer, NOW, RetentionOptions(max_mib=0))
    writer.write(Batch(watches=[watch(NOW + 100 * DAY, NOW + 200 * DAY, what) for what in KINDS]))
    _tidy(writer, NOW + 200 * DAY)
    assert _rows(database, "SELECT DISTINCT detail FROM gaps WHERE cause = 'expired' AND scope = 'drops'"
                           " ORDER BY 1") == [("",), ("the database reached 0 MiB",)]


def test_what_is_not_sent_yet_is_kept_some_days_longer(database: Path, writer: Writer) -> None:
    """Up to where the sender has told, and no longer than a limit, and so where the word that is told is none."""
    sent = database.parent / "upload/sent"
    sent.parent.mkdir()
    writer.write(Batch(watches=[watch(BEGAN, NOW, what) for what in KINDS]))
    for told, until in ((str((NOW - 95 * DAY) * NANO), NOW - 95 * DAY), (str((NOW - 99 * DAY) * NANO), NOW - 95 * DAY),
                        (str(-10**29), NOW - 95 * DAY), ("none", NOW - 95 * DAY), ("", NOW - 95 * DAY)):
        sent.write_text(told)
        _tidy(writer, NOW)
        assert _watched(database)["software"] == [(until, NOW)]
    writer.write(Batch(watches=[watch(NOW, NOW + 20 * DAY, what) for what in KINDS]))
    sent.write_text(str((NOW - 95 * DAY) * NANO))
    _tidy(writer, NOW + 20 * DAY)
    assert _watched(database)["software"][0][0] == NOW + (20 - 90 - 7) * DAY


def test_what_expired_before_it_was_sent_is_told(database: Path, writer: Writer) -> None:
    """For each time that a sender was away from up to when all was sent, and of no other time: by age and by size."""
    sent = database.parent / "upload/sent"
    sent.parent.mkdir()
    told = "SELECT since_ns / 1000000000, until_ns / 1000000000, detail FROM gaps WHERE scope = 'drops' ORDER BY 1, 2"
    writer.write(Batch(watches=[watch(BEGAN, NOW + 400 * DAY, "software")]))
    for day, up_to in ((0, -100), (1, -100), (50, 0), (110, 0), (111, 0)):
        sent.write_text(str((NOW + up_to * DAY + 61) * NANO))
        _tidy(writer, NOW + day * DAY)
    first, second = NOW - 100 * DAY, NOW
    assert _rows(database, told) == [
        (BEGAN, second, ""),  # and between both, when the sender was there again
        (first, NOW + (1 - 97) * DAY, "not uploaded: all before 1972-06-19 00:01:01 UTC was"),
        (second, NOW + (111 - 97) * DAY, "not uploaded: all before 1972-09-27 00:01:01 UTC was")]
    sent.write_text("none")
    _tidy(writer, NOW + 120 * DAY)
    assert _rows(database, told)[-1] == (NOW + (111 - 97) * DAY, NOW + (120 - 97) * DAY, "perhaps not uploaded")
    writer.write(Batch(windows=[_window(NOW + 399 * DAY)]))
    sent.write_text(str((NOW + 399 * DAY) * NANO))
    _tidy(writer, NOW + 400 * DAY, RetentionOptions(days=3650, max_mib=0))
    why = "the database reached 0 MiB"
    assert {detail for *_, detail in _rows(database, told)} >= {
        why, f"{why}; not uploaded: all before 1973-10-31 00:00:00 UTC was"}


def test_a_history_in_which_nothing_is_too_old_says_nothing(database: Path, writer: Writer) -> None:
    """No row, no gap."""
    writer.write(Batch(watches=[watch(NOW - DAY, NOW, what) for what in KINDS]))
    _tidy(writer, NOW)
    assert _rows(database, "SELECT * FROM gaps") == []
    assert _watched(database) == {what: [(NOW - DAY, NOW)] for what in KINDS}


def test_a_window_that_reaches_into_the_kept_time_stays(database: Path, writer: Writer) -> None:
    """Its drops may be of that time; one that ended before is gone."""
    oldest = NOW - 90 * DAY
    for until in (oldest - 1, oldest + 5):
        writer.write(Batch(windows=[Window((oldest - 30) * NANO, 3600 * NANO, Drop(
            KEY._replace(kind=KEY.kind._replace(reason=str(until))), 5, 5, (oldest - 20) * NANO, until * NANO))]))
    _tidy(writer, NOW)
    assert _rows(database, "SELECT last_ns / 1000000000 FROM drops") == [(oldest + 5,)]


@pytest.mark.parametrize("second", [NOW, NOW + 30])
def test_only_whole_minutes_are_folded(database: Path, writer: Writer, second: int) -> None:
    """From the first second of the fine days on, and of a minute that is not over yet, windows stay fine."""
    edge = NOW - 3 * DAY
    writer.write(Batch(windows=[_window(edge + offset) for offset in (-61, -60, -1, 0, 29)]))
    _tidy(writer, second)
    assert _rows(database, "SELECT window_start_ns / 1000000000, window_width_ns / 1000000000, count FROM drops"
                           " ORDER BY 1") == [(edge - 120, 60, 1), (edge - 60, 60, 2), (edge, 1, 1), (edge + 29, 1, 1)]


def test_a_folded_window_has_first_and_last_of_all(database: Path, writer: Writer) -> None:
    """In whatever order its parts were."""
    start = NOW - 5 * DAY
    writer.write(Batch(windows=[_window(start + second) for second in (7, 3, 9)]))
    _tidy(writer, NOW)
    assert _rows(database, "SELECT first_ns, last_ns FROM drops") == [((start + 3) * NANO + 5, (start + 9) * NANO + 9)]


def test_packets_that_made_room_are_watched_no_longer(database: Path, writer: Writer) -> None:
    """Where they were removed nobody can say that none was kept; counts and their watches stay."""
    packets = [PacketSample(KEY, (NOW - 20_000 + number) * NANO, 60, bytes(1000)) for number in range(20_000)]
    writer.write(Batch(packets=packets, windows=[_window(NOW - 20_000)],
                       watches=[watch(NOW - 30_000, NOW, what) for what in KINDS]))
    writer.tidy(RetentionOptions(max_mib=16), at(NOW))
    ((first_ns,),) = _rows(database, "SELECT min(time_ns) FROM packets")
    assert first_ns == (NOW - 10_000) * NANO
    watched = _watched(database)
    assert watched["packets"] == [(NOW - 10_001, NOW)]
    assert watched["software"] == [(NOW - 30_000, NOW)]
    assert _rows(database, "SELECT sum(count) FROM drops") == [(1,)]


def test_a_clock_that_is_ahead_lets_nothing_expire(database: Path, new_writer: Callable[..., Writer]) -> None:
    """A wrong clock at boot would take the whole history; it is believed when a run has gone by it for a day."""
    first = new_writer()
    first.start(at(NOW))
    first.write(Batch(windows=[_window(NOW)], watches=[watch(NOW, NOW + 60)]))
    first.finish(at(NOW + 60), "stopped")
    ahead = NOW + 1000 * DAY
    second = new_writer()
    second.start(Instant(ahead * NANO, 0))
    for passed, rows in ((0, 1), (DAY - 1, 1), (DAY, 0)):
        second.tidy(RetentionOptions(), Instant((ahead + passed) * NANO, passed * NANO))
        assert len(_rows(database, "SELECT 1 FROM drops")) == rows


@given(st.integers(-1000, 1000).filter(bool), st.integers(0, 10))
def test_a_clock_that_was_set_has_to_prove_itself_anew(days: int, before: int) -> None:
    """Set forward it is followed after a day; set back, at once: what has not come yet cannot be too old."""
    calendar = Calendar(at(NOW), NOW * NANO)
    assert calendar.trusted_ns(at(NOW + before * DAY)) == (NOW + before * DAY) * NANO

    def later(seconds: int) -> Instant:
        return Instant((NOW + (before + days) * DAY + seconds) * NANO, (NOW + before * DAY + seconds) * NANO)

    assert calendar.trusted_ns(later(10)) == (later(10).wall_ns if days < 0 else (NOW + before * DAY) * NANO)
    assert calendar.trusted_ns(later(10 + DAY)) == later(10 + DAY).wall_ns
