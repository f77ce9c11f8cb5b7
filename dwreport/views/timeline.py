"""How the drops spread over the window: one row for each step of time, watched or not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dropwatchd.history.read.bounds import Row, crossing
from dropwatchd.history.read.patterns import matches, printed
from dropwatchd.history.read.reader import DropTotal, LedgerGap, Reader
from dropwatchd.model import NANO, DropKey, GapCause
from dwreport import causes
from dwreport.evidence.coverage import assess
from dwreport.evidence.recorded import recorded
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps
from dwreport.report.columns import moment, text
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.rows import EventRow, Moment, StepRow, event_row
from dwreport.report.wanted import Wanted
from dwreport.text import bar, counted, duration, number, time_format
from dwreport.views._lead import events_lead, hidden

_MOST = 60  # steps; the shortest of these lengths that needs no more is taken
_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800, 2_592_000)
_MOST_EVENTS = 30
_BAR = 24
_UNKNOWN = "░"  # of a time of which it is not on record
Crossing = Mapping[tuple[str, DropKey], Sequence[Row]]


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show the drops over time, in up to sixty steps, with what led each of them, and what else happened."""
    scope, judged, steps = reader.scope, assessed(reader), steps_of(reader)
    several = several_of(reader, steps)
    rows = rows_of(reader, wanted, steps, reader.drops(steps.start, steps.step), several)
    top = max((row.count or 0 for row in rows), default=0)
    section = Section("timeline", rows, _columns(top, time_format(scope.since_ns, scope.until_ns)),
                      (rows if wanted.arranged else _folded(rows)) if top else [], notes=_notes(several, steps.step),
                      record=StepRow)
    return answered(reader, judged, [section, events_section(reader), gap_section(reader, judged)],
                  events_lead(reader, judged, any_drops=bool(top)), extra=hidden(reader))


def steps_of(reader: Reader, most: int = _MOST, least_s: int = 0) -> range:
    """Return when the steps begin, in ns: up to `most` up to now, each a round time of `least_s` or more."""
    scope = reader.scope
    end_ns = min(scope.until_ns, reader.now_ns)
    step_ns = next((step * NANO for step in _STEPS_S
                    if step >= least_s and step * NANO * most >= end_ns - scope.since_ns), _STEPS_S[-1] * NANO)
    return range(scope.since_ns // step_ns * step_ns, end_ns, step_ns)


def several_of(reader: Reader, times: range) -> Crossing:
    """Return the rows of drops that are of several steps, but for those of which nobody knows the time."""
    if reader.scope.only is not None:
        return {}
    untimed = {*_untimed(reader, reader.gaps())}
    found = {place: [row for row in rows if (row.first_ns, row.last_ns) not in untimed]
             for place, rows in crossing(reader, times.start, times.step).items()}
    return {place: rows for place, rows in found.items() if rows}


def _notes(several: Crossing, step_ns: int) -> list[str]:
    """Say that counts are no more than likely where rows on record are longer than a step: others are of neighbours."""
    count = sum(row.count for rows in several.values() for row in rows if row.last_ns - row.first_ns >= step_ns)
    return [f"{counted(count, 'drop')} are on record in rows that are longer than a step: apportioned by time."] \
        if count else []


def rows_of(reader: Reader, wanted: Wanted, times: range, totals: Iterable[DropTotal],
            several: Crossing) -> list[StepRow]:
    """Return a row for each step, from the drops whose shape has these steps; rows of several are apportioned."""
    scope, step_ns, end_ns = reader.scope, times.step, times.stop
    steps: dict[int, Counter[DropKey]] = {}
    for total in totals:
        cause = causes.of_drop(total.drop.key)
        if not keeps(wanted, cause.harm if cause else None):
            continue
        shape = _apportioned(total, several.get((total.host, total.drop.key), ()), times, scope.since_ns)
        for step, count in shape.items():
            steps.setdefault(step, Counter())[total.drop.key] += count
    found = recorded(reader)
    untimed = list(_untimed(reader, found.ledger))
    unsure = reader.unsampled_in(times.start, step_ns)
    rows = []
    for step, since_ns in enumerate(times):
        span = max(since_ns, scope.since_ns), min(since_ns + step_ns, end_ns)
        status = assess(found, span, scope.origin).status
        counts = steps.get(step, Counter())
        is_unknown = status == "blind" or bool(counts) or step in unsure or any(
            since < span[1] and span[0] <= until for since, until in untimed)
        rows.append(_row(span, +counts, status, is_unknown=is_unknown))
    return rows


def _apportioned(total: DropTotal, rows: Iterable[Row], times: range, since_ns: int) -> Counter[int]:
    """Return a shape in which each row of several steps is in all of these, not only in its first."""
    shape = total.shape.copy()
    for row in rows:
        first, last = (min(max(time_ns, since_ns), times.stop - 1) for time_ns in (row.first_ns, row.last_ns))
        begin = (first - times.start) // times.step
        for step in range(begin, (last - times.start) // times.step + 1):
            since, until = (times.start + place * times.step for place in (step, step + 1))
            part = row.before(min(until, times.stop)) - row.before(max(since, since_ns))
            shape[step] += part
            shape[begin] -= part
    return shape


def _folded(rows: Sequence[StepRow]) -> list[StepRow]:
    """Return the steps as people read them: of a time that nobody watched, one alone."""
    found: list[StepRow] = []
    for row in rows:
        if found and _is_blind(row) and _is_blind(found[-1]):
            found[-1] = replace(found[-1], until=row.until)
        else:
            found.append(row)
    return found


def _is_blind(row: StepRow) -> bool:
    return row.count is None and row.coverage == "blind"


def _untimed(reader: Reader, ledger: Iterable[LedgerGap]) -> Iterator[tuple[int, int]]:
    """Yield from when to when drops lie that were counted while the daemon was away: nobody knows where within."""
    for gap in ledger:
        if gap.cause == GapCause.DAEMON_DOWN and gap.effect == "detail":
            away = replace(reader.scope, since_ns=gap.since_ns, until_ns=gap.until_ns)
            for _host, window in reader.of(away).windows():
                yield window.drop.first_ns, window.drop.last_ns


def _row(span: tuple[int, int], counts: Counter[DropKey], status: str, *, is_unknown: bool) -> StepRow:
    count = sum(counts.values())
    key, most = counts.most_common(1)[0] if counts else (None, None)
    cause = causes.of_drop(key) if key else None
    return StepRow(
        Moment(span[0]), Moment(span[1]), None if is_unknown and not count else count, status,
        key.kind.reason if key else None, key.location.symbol if key else None, cause.title if cause else None, most)


def _columns(top: int, times: str) -> Sequence[Column[StepRow]]:
    return [
        Column("FROM", lambda row: moment(row.since, times), key=lambda row: row.since.ns),
        Column("COUNT", lambda row: "unknown" if row.count is None else number(row.count), right=True,
               key=lambda row: row.count),
        Column("", lambda row: _UNKNOWN * _BAR if row.count is None else bar(row.count, top, _BAR)),
        Column("COVERAGE", _coverage, wraps=True),
        Column("MOSTLY", _mostly, wraps=True),
    ]


def _coverage(row: StepRow) -> str:
    if row.coverage == "complete":
        return ""
    return f"blind for {duration(row.until.ns - row.since.ns)}" if _is_blind(row) else row.coverage


def _mostly(row: StepRow) -> str:
    """Name what led a step: the kernel's reason, or what the place stands for where that is none."""
    if not row.count:
        return ""
    reason = None if row.top_reason == causes.UNSPECIFIED else row.top_reason
    return text(reason or row.top_cause or row.top_symbol)


def events_section(reader: Reader, most: int = _MOST_EVENTS) -> Section[EventRow]:
    """Return what else happened, the last `most`: links that went up and down, and what the daemon was told."""
    scope, names = reader.scope, reader.netns_names()
    here = reader.namespaces()
    rows = [event_row(event, names) for event in reader.events()
            if matches(scope.interface, {event.subject, printed(event.subject)})
            and (here is None or event.netns in here)]
    times = time_format(scope.since_ns, scope.until_ns)
    columns: list[Column[EventRow]] = [
        Column("TIME", lambda row: moment(row.time, times), key=lambda row: row.time.ns),
        Column("EVENT", lambda row: text(row.event)),
        Column("OF", _subject, wraps=True),
        Column("DETAIL", lambda row: text(row.detail) if row.detail else "", wraps=True),
    ]
    rest = len(rows) - most
    notes = [f"and {counted(rest, 'earlier event')}; --format json shows all"] if rest > 0 else []
    return Section("events", rows, columns, rows[-most:], title="What else happened", notes=notes)


def _subject(row: EventRow) -> str:
    """Name what it happened to, and where: devices of two namespaces may be called the same."""
    here = row.netns in {None, "init", row.subject}
    return text(row.subject) if here else f"{text(row.subject)} ({text(row.netns)})"
