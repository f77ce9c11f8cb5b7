"""What is new in the drops of a history since they were last looked at: each packet once, whatever becomes of rows."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.read.portioned import PartWindow
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.total_rows import has_totals
from dropwatchd.model import DropKey, Window

_LATE_NS = HOUR_NS  # what was counted while the daemon was away is written an hour later at most


class RowKey(NamedTuple):
    """A row of the table of drops, but for its run."""

    host: str
    start_ns: int
    width_ns: int
    key: DropKey


Rows = Mapping[RowKey, Window]


@dataclass(frozen=True, slots=True)
class Growth:
    """What was seen so far: `rows` from `floor_ns` on; later ones begin after that. `open` are drops that may match.

    Rows grow, for an interval may be written in parts; and fold into wider ones, from whole hours into whole hours: so
    the sums of a key from an hour on never change but by new drops. `ever` is how many drops the history had in all.
    """

    floor_ns: int
    written_ns: int
    rows: Rows = field(default_factory=dict)
    history: object = None
    ever: int | None = None
    open: int = 0


class Grown(NamedTuple):
    """The rows with what is new in them as their count, and how many more there are in rows that were not looked at.

    `open` are those that are new, and that the filters leave out though they may match.
    """

    new: list[tuple[str, Window]]
    missed: int
    open: int
    now: Growth


def begin(since_ns: int, now_ns: int) -> Growth:
    """Return what there is to look at from a time on: nothing was seen yet."""
    floor_ns = min(since_ns, now_ns - _LATE_NS)
    return Growth(floor_ns - floor_ns % HOUR_NS, now_ns)


def look(reader: Reader, before: Growth) -> Grown:
    """Look again. The reader's window must begin at `before.floor_ns` and have no end."""
    history, is_whole = _history(reader), not reader.scope.filtered and reader.scope.host is None
    ever = _ever(reader) if is_whole else None
    if before.history not in {None, history}:  # it was lost, and another began: all of that is new
        before = Growth(before.floor_ns, before.written_ns, {}, history)
    now: dict[RowKey, Window] = {}
    for host, window in reader.windows():
        if window.start_ns >= before.floor_ns:
            key = RowKey(host, window.start_ns, window.width_ns, window.drop.key)
            now[key] = _sum(window, now[key], 1) if key in now else window
    new = list(_new(before.rows, now))
    seen = sum(window.drop.count for _host, window in new)
    written_ns = _written_ns(reader) or before.written_ns
    floor_ns = min(before.written_ns, written_ns) - _LATE_NS
    floor_ns = max(before.floor_ns, floor_ns - floor_ns % HOUR_NS)
    kept = {key: window for key, window in now.items() if key.start_ns >= floor_ns}
    missed = 0 if ever is None or before.ever is None else max(0, ever - before.ever - seen)
    may_match, left = _may_match(reader), 0
    if may_match:
        left = may_match if floor_ns == before.floor_ns else _may_match_from(reader, floor_ns)
    return Grown(new, missed, max(0, may_match - before.open), Growth(floor_ns, written_ns, kept, history, ever, left))


def _may_match(reader: Reader) -> int:
    """Return how many drops may match besides, of a reader whose windows were taken."""
    return reader.unnamed() + reader.unsampled_of_windows() if reader.scope.filtered else 0


def _may_match_from(reader: Reader, floor_ns: int) -> int:
    later = reader.of(replace(reader.scope, since_ns=floor_ns))
    if later.scope.only:
        deque(later.windows(), maxlen=0)
    return _may_match(later)


def _new(before: Rows, now: Rows) -> Iterator[tuple[str, Window]]:
    """Yield rows with what is new in them; where rows went into others, what is new of all of a key in the last one."""
    gone = {row for row, window in before.items() if row not in now or now[row].drop.count < window.drop.count}
    folded: dict[tuple[str, DropKey], int] = defaultdict(int)
    for row in gone:
        folded[row.host, row.key] -= before[row].drop.count - (now[row].drop.count if row in now else 0)
    last: dict[tuple[str, DropKey], RowKey] = {}
    for row, window in now.items():
        grown = window.drop.count - (before[row].drop.count if row in before else 0)
        if grown <= 0:
            continue
        if (row.host, row.key) in folded:
            folded[row.host, row.key] += grown
            last[row.host, row.key] = row
        else:
            yield row.host, _sum(window, before[row], -1) if row in before else window
    yield from ((row.host, _with(now[row], folded[place], None)) for place, row in last.items() if folded[place] > 0)


def _sum(window: Window, other: Window, sign: int) -> Window:
    """Return a window with the drops of another one of its key added, or taken away."""
    octets = window.drop.octets, other.drop.octets
    known = None if octets[0] is None or octets[1] is None else octets[0] + sign * octets[1]
    return _with(window, window.drop.count + sign * other.drop.count, known)


def _with(window: Window, count: int, octets: int | None) -> Window:
    """Return a window with another count; of about so many that were added, none need have been."""
    drop = replace(window.drop, count=count, octets=octets)
    if isinstance(window, PartWindow):
        least, most = (0, max(count, window.at_most)) if window.about else (count, count)
        return replace(window, drop=drop, at_least=least, at_most=most)
    return replace(window, drop=drop)


def _ever(reader: Reader) -> int | None:
    if not has_totals(reader):
        return None
    [(count,)] = reader.rows("SELECT coalesce(sum(count), 0) FROM totals")
    return int(str(count))


def _history(reader: Reader) -> object:
    """Return what tells a history from the one that takes its place."""
    return next(iter(reader.rows("SELECT id, machine_id, boot_id, started_ns FROM runs ORDER BY id LIMIT 1")), None)


def _written_ns(reader: Reader) -> int | None:
    [(until_ns,)] = reader.rows("""
        SELECT until_ns FROM (SELECT max(until_ns) AS until_ns FROM watches
                              WHERE run_id = (SELECT max(id) FROM runs) AND what = 'daemon')""")
    return None if until_ns is None else int(str(until_ns))
