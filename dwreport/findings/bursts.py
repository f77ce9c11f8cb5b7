"""When losses came in bursts, and which never cease: told by their counts in equal steps of time: pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Kind = Literal["burst", "persistent", "recurring"]
_ABOVE = 4       # times what is usual in a step, where something is: more is a burst
_FEW = 4         # steps: of fewer nothing is usual
_PAUSE = 1       # steps without any drop, after which a burst may go on
_MANY = 60       # bursts of one loss; of more, those alone are told one by one that are so much greater than usual
_GREATER = 10


@dataclass(frozen=True, slots=True)
class Burst:
    """A loss from one step to another, both within. Of what never ceases, `usual` is the count of a step.

    A burst above what is usual has the steps in which there was more than `limit`; the others have 0 there.
    """

    kind: Kind
    first: int
    last: int
    usual: float = 0.0
    limit: float = 0.0


def bursts(shape: Mapping[int, int], steps: range, blind: Collection[int]) -> list[Burst]:
    """Return the parts of a loss in the order of time; a blind step without a drop tells nothing of what is usual."""
    there = sorted(step for step, count in shape.items() if count)
    if not there:
        return []
    told = [shape.get(step, 0) for step in steps if step not in blind or shape.get(step)]
    usual = median(told)
    if usual and len(told) >= _FEW:
        above = [step for step in there if shape[step] > _ABOVE * usual]
        high = [Burst("burst", run[0], run[-1], usual, _ABOVE * usual) for run in _runs(above)]
        return [Burst("persistent", there[0], there[-1], usual), *high]
    runs = _runs(there)
    if len(runs) <= _MANY:
        return [Burst("burst", run[0], run[-1]) for run in runs]
    sizes = [sum(shape[step] for step in run) for run in runs]
    high = [Burst("burst", run[0], run[-1]) for run, size in zip(runs, sizes, strict=True)
            if size > _GREATER * median(sizes)]
    return [Burst("recurring", there[0], there[-1]), *high]


def _runs(steps: Iterable[int]) -> list[Sequence[int]]:
    """Return steps in runs that are no more than a short pause apart."""
    runs: list[list[int]] = []
    for step in steps:
        if runs and step - runs[-1][-1] <= _PAUSE + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return list(runs)
