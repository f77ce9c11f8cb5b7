"""The drops of a window held against filters that only keys, samples and labels can answer: verdicts, and portions."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dropwatchd.history.read.portions import Portion, Verdict, portion
from dropwatchd.history.read.scope import Judge
from dropwatchd.model import DropKey, Window

Subject = tuple[str, DropKey]


@dataclass(frozen=True, slots=True)
class PartWindow(Window):
    """A window of which a part is asked for: its drop has that part, `at_least` to `at_most`."""

    at_least: int
    at_most: int
    about: bool


class Portioned:
    """What a judge says of the drops of one window of time."""

    def __init__(self, judge: Judge, sampled: Iterable[tuple[Subject, int, int, int, bool, bytes]]) -> None:
        """Judge samples, each with subject, time, weight, length, whether it has a link header, and bytes, by time."""
        self.judge = judge
        self.open = 0
        self._keys: dict[Subject, str] = {}
        self._verdicts: dict[Subject, list[Verdict]] = defaultdict(list)
        for subject, time_ns, weight, length, link_header, data in sampled:
            match = judge.packet(*subject, data, link_header=link_header)
            self._verdicts[subject].append(Verdict(time_ns, weight, length, match))

    def of(self, subject: Subject, count: int) -> Portion | None:
        """Return the part of the drops of a key in the whole window that is asked for; None is all."""
        match = self._match(subject)
        if match == "yes":
            return None
        return portion(count if match == "unknown" else 0, self._verdicts.get(subject, ()))

    def windows(self, found: Iterable[tuple[str, Window]]) -> Iterator[tuple[str, Window]]:
        """Yield of single windows what is asked for, by the samples of their own; `open` more of them may be."""
        self.open = 0
        for host, window in found:
            subject, drop = (host, window.drop.key), window.drop
            match = self._match(subject)
            if match == "yes":
                yield host, window
            if match != "unknown":
                continue
            part = portion(drop.count, self._within(subject, window))
            self.open += part.open
            if part.samples:
                yield host, PartWindow(window.start_ns, window.width_ns, part.of(drop), part.least, part.most,
                                       part.about)

    def others(self) -> Sequence[str]:
        """Return what sampled packets had where none had what is asked for."""
        found = any(one.match == "yes" for verdicts in self._verdicts.values() for one in verdicts)
        return () if found else self.judge.seen()

    def takes(self, subject: Subject, data: bytes, *, link_header: bool) -> bool:
        """Say whether a sampled packet is asked for."""
        match = self._match(subject)
        return match == "yes" or (
            match == "unknown" and self.judge.packet(*subject, data, link_header=link_header) == "yes")

    def _match(self, subject: Subject) -> str:
        if subject not in self._keys:
            self._keys[subject] = self.judge.key(*subject)
        return self._keys[subject]

    def _within(self, subject: Subject, window: Window) -> list[Verdict]:
        found = self._verdicts.get(subject, [])
        first, last = (bisect_left(found, edge_ns, key=lambda one: one.time_ns)
                       for edge_ns in (window.start_ns, window.start_ns + window.width_ns))
        return found[first:last]
