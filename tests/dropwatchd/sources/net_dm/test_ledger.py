"""What two looks at the monitor say about the time between them."""

import pytest

from dropwatchd.model import NANO, Effect, Event, Gap, GapCause, Origin, Record
from dropwatchd.sources.net_dm.ledger import Ledger
from dropwatchd.sources.net_dm.options import Config, Hold

PACKET, SUMMARY = Config("packet", 128, 4096), Config("summary", 128, 4096)
BOTH: tuple[Origin, ...] = ("software", "hardware")
START, LOOK = 1000 * NANO, 1001 * NANO


def ledger(config: Config = PACKET, origins: tuple[Origin, ...] = ("software",)) -> Ledger:
    return Ledger(origins, Hold(config, origins, restarted=False), {"software": 5, "hardware": 7})


def changed(config: Config, started: tuple[Origin, ...] = (), *, restarted: bool = False, hurried: bool = False,
            before: Config = PACKET, newest_ns: int = 0) -> list[Record]:
    """Return what is said when a look finds this, a second after the last one; the hold took 3 ns."""
    hold = Hold(config, started, restarted, hurried)
    return list(ledger(before).changes(START, LOOK, LOOK + 3, hold, newest_ns))


def test_a_quiet_interval_says_nothing() -> None:
    """Same settings, nothing started, nothing lost: no record."""
    assert changed(PACKET) == []
    assert list(ledger().losses(START, LOOK, {"software": 5, "hardware": 7}, 0)) == []


def test_queue_overflow_is_counted_for_each_origin_and_once() -> None:
    """The kernel's counters are cumulative; the next interval starts from there."""
    book = ledger(origins=BOTH)
    gaps = list(book.losses(START, LOOK, {"software": 15, "hardware": 8}, 0))
    assert gaps == [Gap(START, LOOK, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 10, "software"),
                    Gap(START, LOOK, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 1, "hardware")]
    assert list(book.losses(LOOK, LOOK + NANO, {"software": 15, "hardware": 8}, 0)) == []


@pytest.mark.parametrize(("config", "lost", "detail"), [(PACKET, 9, ""), (SUMMARY, None, "9 summaries")])
def test_a_full_socket_lost_a_known_number_in_packet_mode_only(config: Config, lost: int | None, detail: str) -> None:
    """A lost summary stands for an unknown number of drops."""
    gap, = ledger(config).losses(START, LOOK, {"software": 5, "hardware": 7}, 9)
    assert gap == Gap(START, LOOK, GapCause.SOCKET_OVERRUN, Effect.PARTIAL, lost, "software", detail)


def test_monitoring_that_was_stopped_is_a_gap_since_the_last_alert() -> None:
    """It was on at the newest alert, and is on again now."""
    gap, event = changed(PACKET, ("software",), newest_ns=START + 5)
    assert isinstance(gap, Gap)
    assert isinstance(event, Event)
    assert (gap.since_ns, gap.until_ns, gap.cause, gap.effect) == (
        START + 5, LOOK + 3, GapCause.MONITORING_STOPPED, Effect.BLIND)


def test_settings_that_somebody_else_changed_are_a_gap_since_the_last_look() -> None:
    """Whether they could be put right or not."""
    for config, restarted in ((PACKET, True), (SUMMARY, False)):
        records = changed(config, ("software",) if restarted else (), restarted=restarted)
        causes = [record.cause for record in records if isinstance(record, Gap)]
        assert causes == [GapCause.MODE_CHANGED]
        assert [record.subject for record in records if isinstance(record, Event)] == ["changed by another program"]


@pytest.mark.parametrize(("before", "after", "since"), [(PACKET, SUMMARY, LOOK), (SUMMARY, PACKET, LOOK - NANO)])
def test_the_storm_guards_change_is_a_short_gap(before: Config, after: Config, since: int) -> None:
    """From the moment of asking; a summary that had not left yet is lost as well."""
    records = changed(after, ("software",), restarted=True, hurried=True, before=before)
    gap = next(record for record in records if isinstance(record, Gap) and record.cause == GapCause.STORM)
    assert (gap.since_ns, gap.until_ns, gap.effect, gap.lost) == (since, LOOK + 3, Effect.BLIND, None)
    assert [record.subject for record in records if isinstance(record, Event)] == [f"{after.mode} mode"]


def test_the_end_is_a_gap_only_where_something_was_on_its_way() -> None:
    """A summary always is; packets are when some came right before."""
    stop = START + 5 * NANO
    summary, = ledger(SUMMARY).closed(stop - NANO // 100, stop, stop + 1)
    assert (summary.since_ns, summary.until_ns, summary.cause) == (stop - NANO, stop + 1, GapCause.DAEMON_DOWN)
    flowing = list(ledger(PACKET, ("hardware",)).closed(stop - NANO // 100, stop, stop + 1))
    assert [gap.since_ns for gap in flowing] == [stop - NANO // 100]
    assert list(ledger(PACKET, ("hardware",)).closed(stop - NANO, stop, stop + 1)) == []


@pytest.mark.parametrize(("hold", "listeners", "subjects"), [
    (Hold(PACKET, ("software",), restarted=False), [], []),
    (Hold(PACKET, (), restarted=False), [], ["adopted"]),
    (Hold(PACKET, ("software",), restarted=True), [], ["adopted"]),
    (Hold(SUMMARY, (), restarted=False), ["dwdump[812]"], ["shared"]),
])
def test_what_was_found_is_an_event(hold: Hold, listeners: list[str], subjects: list[str]) -> None:
    """A monitor that was off is nothing to report; one that ran has an owner or has lost it."""
    assert [event.subject for event in ledger().opened(START, hold, listeners)] == subjects


def test_refused_alerts_are_told_once() -> None:
    """How many messages came that the kernel did not send, since the last look."""
    book = ledger()
    assert list(book.refused(LOOK, 0)) == []
    assert [event.detail for event in book.refused(LOOK, 3)] == ["3 messages that the kernel did not send"]
    assert list(book.refused(LOOK, 3)) == []


def test_a_clock_that_was_set_back_turns_no_gap_around() -> None:
    """The newest alert has a time that is still to come: what is said of the end ends no earlier than it begins."""
    ahead_ns = LOOK + 3600 * NANO
    records = [*changed(PACKET, ("software",), newest_ns=ahead_ns), *ledger().closed(ahead_ns, LOOK, LOOK + 3)]
    gaps = [record for record in records if isinstance(record, Gap)]
    assert len(gaps) >= 2
    assert all(gap.since_ns <= gap.until_ns for gap in gaps)
