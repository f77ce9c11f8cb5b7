"""How the drops spread over the window: one row for each step of time, watched or not."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from dropwatchd.history.reader import Reader
from dropwatchd.model import DropKey
from dwreport.evidence.coverage import assess, recorded
from dwreport.render.heading import nothing
from dwreport.report.answer import NANO, Answer, Column, Moment, Row, Section
from dwreport.report.columns import text
from dwreport.report.gaps import assessed, gap_section
from dwreport.report.rows import event_row
from dwreport.text import bar, clock, counted, number, time_format

_MOST = 60  # steps; the shortest of these lengths that needs no more is taken
_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800, 2_592_000)
_MOST_EVENTS = 30
_FIELDS = ("since", "until", "count", "coverage", "top_reason", "top_symbol", "top_count")
_BAR = 24


def view(reader: Reader) -> Answer:
    """Show the drops over time, in up to sixty steps, with what led each of them, and what else happened."""
    scope, judged = reader.scope, assessed(reader)
    rows = _rows(reader)
    top = max((cast("int | None", row["count"]) or 0 for row in rows), default=0)
    lead = [] if top else nothing(judged, scope)
    section = Section("timeline", rows, _columns(top, time_format(scope.since_ns, scope.until_ns)),
                      shown=rows if top else [], fields=_FIELDS)
    return Answer(scope, reader.now_ns, reader.runs(), judged, [section, _events(reader), gap_section(reader, judged)],
                  lead)


def _rows(reader: Reader) -> list[Row]:
    """Return a row for each step up to now; `count` is None where nothing watched, for zero means none."""
    scope = reader.scope
    end_ns = min(scope.until_ns, reader.now_ns)
    step_ns = next((step * NANO for step in _STEPS_S if step * NANO * _MOST >= end_ns - scope.since_ns),
                   _STEPS_S[-1] * NANO)
    start_ns = scope.since_ns // step_ns * step_ns
    steps: dict[int, Counter[DropKey]] = {}
    for total in reader.drops(start_ns, step_ns):
        for step, count in total.shape.items():
            steps.setdefault(step, Counter())[total.drop.key] += count
    found = recorded(reader)
    rows: list[Row] = []
    for step, since_ns in enumerate(range(start_ns, end_ns, step_ns)):
        span = max(since_ns, scope.since_ns), min(since_ns + step_ns, end_ns)
        rows.append(_row(span, steps.get(step, Counter()), assess(found, span, scope.origin).status))
    return rows


def _events(reader: Reader) -> Section:
    """Return what else happened: links that went up and down, and what the daemon was told."""
    scope, names = reader.scope, reader.netns_names()
    here = reader.namespaces()
    rows = [event_row(event, names) for event in reader.events()
            if scope.interface in {None, event.subject} and (here is None or event.netns in here)]
    times = time_format(scope.since_ns, scope.until_ns)
    columns = [
        Column("TIME", lambda row: clock(cast("Moment", row["time"]).ns, times)),
        Column("EVENT", lambda row: text(row["event"])),
        Column("OF", lambda row: text(row["subject"])),
        Column("DETAIL", lambda row: text(row["detail"]) if row["detail"] else "", wraps=True),
    ]
    rest = len(rows) - _MOST_EVENTS
    notes = [f"and {counted(rest, 'earlier event')}; --format json shows all"] if rest > 0 else []
    return Section("events", rows, columns, title="What else happened", shown=rows[-_MOST_EVENTS:], notes=notes)


def _row(span: tuple[int, int], counts: Counter[DropKey], status: str) -> Row:
    count = sum(counts.values())
    key, most = counts.most_common(1)[0] if counts else (None, None)
    return {
        "since": Moment(span[0]),
        "until": Moment(span[1]),
        "count": None if status == "blind" and not count else count,
        "coverage": status,
        "top_reason": key.kind.reason if key else None,
        "top_symbol": key.location.symbol if key else None,
        "top_count": most,
    }


def _columns(top: int, times: str) -> Sequence[Column]:
    return [
        Column("FROM", lambda row: clock(cast("Moment", row["since"]).ns, times)),
        Column("COUNT", lambda row: "unknown" if row["count"] is None else number(cast("int", row["count"])),
               right=True),
        Column("", lambda row: bar(cast("int | None", row["count"]) or 0, top, _BAR)),
        Column("COVERAGE", lambda row: "" if row["coverage"] == "complete" else str(row["coverage"])),
        Column("MOSTLY", lambda row: text(row["top_reason"] or row["top_symbol"]) if row["count"] else "", wraps=True),
    ]
