"""What is usual of a slice in few bytes, for dropwatch.send(): what went on, but no names, no ledger, no other run.

Numbers that are small as text are sent as text: PostgreSQL's arrays take 12 bytes for each that is binary.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dropwatchd.upload.memory import Memory
from dropwatchd.upload.slice import Row, Slice
from dropwatchd.upload.windows import MINUTE_NS

_FIRST_SCHEMA = "0003"  # that has the function
Rows = Mapping[str, Sequence[Row]]
_START, _WIDTH, _COUNT, _BYTES, _FIRST, _LAST = 3, 4, 5, 6, 7, 8  # columns of drops, behind where, why and interface
_WATCH, _PART, _UNTIL, _UNTIL_BOOT, _ENDING = 0, 1, 7, 9, 11      # columns of watches


class Header(NamedTuple):
    """What every sending says: when was the last one, by the server's clock, and what time it is by ours."""

    schema: str
    host: int
    run: int
    last_sent_us: int
    now_ns: int


def is_usual(made: Slice, memory: Memory) -> bool:
    """Say whether dropwatch.send() can take what is usual of a slice: it goes on with a run that is there."""
    return (memory.schema >= _FIRST_SCHEMA and made.hostname == memory.hostname
            and made.run_key in memory.marks.runs and not made.complete)


def parted(rows: Rows, made: Slice, memory: Memory) -> tuple[Rows, Rows]:
    """Return rows that dropwatch.send() can take, and those that have to go into tables."""
    there = memory.marks.runs[made.run_key].watches

    def goes_on(watch: Row) -> bool:
        last = there.get(watch[_WATCH])
        return last is not None and last.number == watch[_PART] and not watch[_ENDING]

    tests: dict[str, Callable[[Row], bool]] = {
        "drops": lambda row: row[_WIDTH] == MINUTE_NS, "counter_changes": lambda _row: True,
        "interfaces": memory.goes_on, "watches": goes_on}
    usual = {name: [row for row in some if name in tests and tests[name](row)] for name, some in rows.items()}
    return usual, {name: [row for row in some if not (name in tests and tests[name](row))]
                   for name, some in rows.items()}


def call(header: Header, made: Slice, rows: Rows) -> tuple[bytes, list[Any]]:
    """Return a statement and what is bound in it."""
    watches, drops, changes, interfaces = (rows.get(name, ()) for name in (
        "watches", "drops", "counter_changes", "interfaces"))
    base_ns = min((row[_UNTIL] for row in watches), default=made.changes_ns)
    skew_ns = next((row[_UNTIL] - row[_UNTIL_BOOT] for row in watches if row[_UNTIL_BOOT] is not None), 0)
    minute_ns = base_ns - base_ns % MINUTE_NS
    places, spans, counters = _numbered(row[:3] for row in drops), _numbered(row[1:3] for row in changes), \
        _numbered(row[0] for row in changes)
    bound = [
        *header, made.changes_ns, made.reach_ns,
        [row[_WATCH] for row in watches], _small(row[_PART] or None for row in watches), base_ns, skew_ns,
        _small(row[_UNTIL] - base_ns for row in watches),
        _small(None if row[_UNTIL_BOOT] is None else row[_UNTIL] - row[_UNTIL_BOOT] - skew_ns for row in watches),
        [row[0] for row in interfaces], _small(row[-1] - base_ns for row in interfaces),
        *([place[column] for place in places] for column in range(3)),
        _small(places[row[:3]] for row in drops), _small((row[_START] - minute_ns) // MINUTE_NS for row in drops),
        _small(row[_COUNT] for row in drops), _small(row[_BYTES] for row in drops),
        _small(row[_FIRST] - row[_START] for row in drops), _small(row[_LAST] - row[_FIRST] for row in drops),
        _small(until_ns - base_ns for until_ns, _since_ns in spans),
        _small(until_ns - since_ns for until_ns, since_ns in spans), [*counters],
        _small(counters[row[0]] for row in changes), _small(spans[row[1:3]] for row in changes),
        _small(row[3] for row in changes)]
    marks = ",".join("%t" if value in ([], ()) or isinstance(value, str) else "%b" for value in bound)
    return f"SELECT dropwatch.send({marks})".encode(), [value or "{}" if isinstance(value, list) else value
                                                        for value in bound]


def _numbered(values: Iterable[Any]) -> dict[Any, int]:
    """Give each value that differs a number, from 1 on."""
    return {value: number for number, value in enumerate(dict.fromkeys(values), 1)}


def _small(values: Iterable[int | None]) -> str:
    """Return an array as PostgreSQL reads it: nothing at all where all of it is NULL."""
    texts = ["NULL" if value is None else str(value) for value in values]
    return f"{{{','.join(texts)}}}" if {*texts} != {"NULL"} else "{}"
