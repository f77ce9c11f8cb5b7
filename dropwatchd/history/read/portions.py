"""How many of some drops are asked for, where only their sampled packets tell: about so many, with a range: pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Literal, NamedTuple

from dropwatchd.model import Drop

Match = Literal["yes", "no", "unknown"]
DEVIATIONS = 2  # standard deviations: 95 of 100 samplings are no further from the truth


class Verdict(NamedTuple):
    """Whether a sampled packet, which stands for `weight` drops, is asked for."""

    time_ns: int
    weight: int
    length: int
    match: Match


@dataclass(frozen=True, slots=True)
class Portion:
    """Of some drops, `count` are asked for, `least` to `most` for 95 of 100 samplings; each known where not `about`.

    `open` more may be, for all that is on record: no sample stands for them, or theirs does not tell, or so few are
    sampled that none of them need have been such a packet. `samples` are those that are asked for.
    """

    count: int
    least: int
    most: int
    about: bool
    open: int
    samples: Sequence[Verdict]

    def of(self, drop: Drop) -> Drop:
        """Return that part of drops, with the times between which samples of it are known; not how long all were."""
        octets = None if self.about else sum(one.length for one in self.samples)
        times = [one.time_ns for one in self.samples]
        return Drop(drop.key, self.count, octets, min(times), max(times))

    def shape(self, start_ns: int, step_ns: int) -> Counter[int]:
        """Return the count by steps of time, after the samples in each."""
        weights: Counter[int] = Counter()
        for sample in self.samples:
            weights[(sample.time_ns - start_ns) // step_ns] += sample.weight
        return _apportioned(self.count, weights)


def likely(part: float, size: float) -> tuple[float, float]:
    """Return between which shares the true one is, after so many samples of equal weight: Wilson's score interval.

    By the variance of a share alone, one that is rare would seem to be known best where too few of it were sampled.
    """
    square = DEVIATIONS ** 2
    middle = (part + square / (2 * size)) / (1 + square / size)
    error = DEVIATIONS * sqrt(part * (1 - part) / size + square / (4 * size ** 2)) / (1 + square / size)
    return max(0.0, middle - error), min(1.0, middle + error)


def effective(weights: Sequence[int]) -> float:
    """Return how many samples of equal weight tell as much (Kish's effective sample size)."""
    return sum(weights) ** 2 / sum(weight ** 2 for weight in weights)


def portion(count: int, verdicts: Sequence[Verdict]) -> Portion:
    """Return what samples tell of `count` drops: of as many as they stand for, and of no others."""
    if not verdicts or not count:
        return Portion(0, 0, 0, about=False, open=count, samples=())
    own, unclear = ([one for one in verdicts if one.match == match] for match in ("yes", "unknown"))
    whole = sum(one.weight for one in verdicts)
    judged = min(count, whole)
    if whole == len(verdicts) <= count:  # each stands for itself
        return Portion(len(own), len(own), len(own), about=False, open=count - whole + len(unclear), samples=own)
    size = effective([one.weight for one in verdicts])
    part, dark = (sum(one.weight for one in some) / whole for some in (own, unclear))
    most_else = judged - sum(one.match == "no" for one in verdicts)
    low, high = likely(part, size)
    hidden = count - judged + ceil(judged * dark)
    if not own:
        unlike = max(0, min(most_else, ceil(judged * high)))
        return Portion(0, 0, 0, about=False, open=min(count, hidden + unlike), samples=())
    found = max(min(len(own), judged), round(judged * part))
    least = max(min(len(own), judged), floor(judged * low))
    most = max(found, min(most_else, ceil(judged * high)))
    return Portion(found, least, most, about=True, open=min(hidden, count - found), samples=own)


def _apportioned(count: int, weights: Counter[int]) -> Counter[int]:
    """Return so many packets by weight, in whole numbers that add up to the count."""
    whole = weights.total()
    found, left = Counter({step: count * weight // whole for step, weight in weights.items()}), count
    left -= found.total()
    for step in _by_remainder(count, weights)[:left]:
        found[step] += 1
    return found


def _by_remainder(count: int, weights: Counter[int]) -> list[int]:
    whole = weights.total()
    steps: Iterable[int] = weights
    return sorted(steps, key=lambda step: (-(count * weights[step] % whole), step))
