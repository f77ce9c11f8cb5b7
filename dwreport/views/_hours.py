"""Drops by hours and days of local time: in some zones these begin at half hours of UTC."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import gcd

from dropwatchd.history.read.bounds import Bounds, Row, bounds, crossing
from dropwatchd.history.read.reader import DropTotal, Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO, DropKey

TIMES = {"hour": "%Y-%m-%d %H:00 %Z", "day": "%Y-%m-%d"}  # an hour may come twice
_HOUR_S, _DAY_S = 3600, 86_400
_Subject = tuple[str, DropKey]


@dataclass
class Stretch:
    """The drops of one hour or day: `count`, of which `down` may be of another; up to `up` of others may be of it."""

    label: str | None
    count: int
    first_ns: int
    last_ns: int
    down: int = 0
    up: int = 0

    def add(self, count: int, first_ns: int, last_ns: int) -> None:
        self.count += count
        self.first_ns, self.last_ns = min(self.first_ns, first_ns), max(self.last_ns, last_ns)


@dataclass(frozen=True)
class Hours:
    """Steps of which each lies in one hour of local time; several are of one hour, or day, with one label."""

    name: str
    start_ns: int
    step_ns: int
    until_ns: int
    ends: Bounds = field(default_factory=dict)
    crossing: Mapping[_Subject, Sequence[Row]] = field(default_factory=dict)

    def label(self, time_ns: int) -> str:
        """Return what an hour or a day is called."""
        return time.strftime(TIMES[self.name], time.localtime(time_ns // NANO))

    def stretches(self, total: DropTotal, since_ns: int) -> Iterator[Stretch]:
        """Yield the drops of each hour or day; those of a row that reaches over its end are apportioned by time."""
        found: dict[str, Stretch] = {}
        subject = total.host, total.drop.key
        ends = self.ends.get(subject, {})
        for place, count in (+total.shape).items():
            label = self.label(self.start_ns + place * self.step_ns)
            span = ends.get(place, (total.drop.first_ns, total.drop.last_ns))
            found.setdefault(label, Stretch(label, 0, *span)).add(count, *span)
        for row in () if total.about else self.crossing.get(subject, ()):
            self._apportion(row, since_ns, found)
        yield from (one for one in found.values() if one.count or one.up)

    def _apportion(self, row: Row, since_ns: int, found: dict[str, Stretch]) -> None:
        pieces = list(self._pieces(row, since_ns))
        several = len(pieces) > 1
        for place, piece in enumerate(pieces):
            there = found.setdefault(piece.label or "", replace(piece, count=0, down=0, up=0))
            there.add(piece.count, piece.first_ns, piece.last_ns)
            there.count -= 0 if place else sum(each.count for each in pieces)  # the row was counted where it begins
            there.down += piece.down * several
            there.up += piece.up * several

    def _pieces(self, row: Row, since_ns: int) -> Iterator[Stretch]:
        """Yield the parts of a row: its first and its last drop are where they are, the others evenly between."""
        first, last = (min(max(time_ns, since_ns), self.until_ns - 1) for time_ns in (row.first_ns, row.last_ns))
        steps = range((first - self.start_ns) // self.step_ns, (last - self.start_ns) // self.step_ns + 1)
        for label, group in groupby(steps, lambda step: self.label(self.start_ns + step * self.step_ns)):
            own = list(group)
            begin_ns = max(since_ns, self.start_ns + own[0] * self.step_ns)
            end_ns = min(self.until_ns, self.start_ns + (own[-1] + 1) * self.step_ns)
            count = row.before(end_ns) - row.before(begin_ns)
            sure = sum(begin_ns <= time_ns < end_ns for time_ns in (row.first_ns, row.last_ns))
            known = [time_ns for time_ns in (row.first_ns, row.last_ns) if begin_ns <= time_ns < end_ns]
            span = (known[0], known[-1]) if known else (begin_ns, end_ns - 1)
            yield Stretch(label, count, *span, down=count - sure, up=row.count - 2 + sure - count)


def hours(reader: Reader, name: str) -> Hours:
    """Return the hours, or the days, of a window, with what is on record of the drops at their ends."""
    scope = reader.scope
    since_s, offsets = scope.since_ns // NANO, [*_offsets(scope)]
    step_s = gcd(_HOUR_S, *(offset - offsets[0] for offset in offsets))  # clocks are set by half an hour in some zones
    start_ns = ((since_s + offsets[0]) // _HOUR_S * _HOUR_S - offsets[0]) * NANO
    step_ns = step_s * NANO
    if scope.only is None:
        return Hours(name, start_ns, step_ns, scope.until_ns, bounds(reader, start_ns, step_ns),
                     crossing(reader, start_ns, step_ns))
    return Hours(name, start_ns, step_ns, scope.until_ns, _sampled(reader, start_ns, step_ns))


def _offsets(scope: Scope) -> Iterator[int]:
    """Yield by how much local time is ahead, in seconds, as it begins, each day, and at the end of a window."""
    since_s, until_s = scope.since_ns // NANO, scope.until_ns // NANO
    for time_s in (*range(since_s, until_s, _DAY_S), until_s):
        yield time.localtime(time_s).tm_gmtoff


def _sampled(reader: Reader, start_ns: int, step_ns: int) -> Bounds:
    """Return when the first and the last sample of each step were, where samples alone tell what is asked for."""
    found: dict[_Subject, dict[int, tuple[int, int]]] = defaultdict(dict)
    for packet in reader.packets():
        steps, place = found[packet.host, packet.key], (packet.time_ns - start_ns) // step_ns
        first_ns, last_ns = steps.get(place, (packet.time_ns, packet.time_ns))
        steps[place] = min(first_ns, packet.time_ns), max(last_ns, packet.time_ns)
    return found
