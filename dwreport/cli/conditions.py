"""--fail-if: conditions on a report: scripts are told with exit code 3 that one holds, with 4 that one may."""

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import inf

import click

from dwreport.report.answer import Answer
from dwreport.report.sums import Sum, doubts, sums

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(>=|<=|==|!=|>|<)\s*([0-9][0-9_ ]*(?:\.[0-9]+)?)\s*(%?)\s*")
NAMES = ("drops", "packets", "harmful", "suspect", "benign", "unknown", "findings", "coverage")
_PERCENT = "coverage"


class ConditionError(click.ClickException):
    """A condition holds: the report is written, and the program ends with an exit code of its own."""

    exit_code = 3

    def __init__(self, told: str) -> None:
        super().__init__(f"{told}; that is what --fail-if asks for")


class UndecidedError(click.ClickException):
    """None holds, as far as is on record, but one may: the report is written, and no script takes it for a no."""

    exit_code = 4

    def __init__(self, told: str) -> None:
        super().__init__(f"{told}; what --fail-if asks for may be so")


@dataclass(frozen=True, slots=True)
class Condition:
    """A number of the report, how it is compared, and with what."""

    name: str
    comparison: str
    value: float
    text: str

    def holds(self, found: Sum) -> bool | None:
        """Say whether it is so of the number that the report has; None where it may be of the true one."""
        compare = _COMPARISONS[self.comparison]
        if compare(found.value, self.value):
            return True
        between = self.comparison == "==" and found.least <= self.value <= found.most
        return None if between or compare(found.least, self.value) or compare(found.most, self.value) else False


def condition(text: str) -> Condition:
    """Read "harmful > 100" or "coverage < 99 %"; raise click.UsageError."""
    match = _CONDITION.fullmatch(text)
    if not match or match[1] not in NAMES or bool(match[4]) is not (match[1] == _PERCENT):
        names = ", ".join(NAMES)
        raise click.UsageError(f"unreadable --fail-if, {text}; write one of {names}, and what it is compared with: "
                               "'harmful > 100', 'coverage < 99 %'")
    return Condition(match[1], match[2], float(re.sub("[_ ]", "", match[3])), text.strip())


def check(conditions: Collection[Condition], answer: Answer) -> None:
    """Raise ConditionError where any holds, UndecidedError where any may; say what was found."""
    known = sums(answer)
    judged = [(one, one.holds(known[one.name])) for one in conditions]
    if held := [f"{one.text}: {one.name} is {_shown(one.name, known[one.name])}" for one, holds in judged if holds]:
        raise ConditionError(", ".join(held))
    if maybe := [f"{one.text}: {one.name} is {_shown(one.name, known[one.name])}" for one, holds in judged
                 if holds is None]:
        raise UndecidedError("; ".join([", ".join(maybe), *doubts(answer)]))


def _shown(name: str, found: Sum) -> str:
    """Return the number of the report, and where it may be another, between which it lies."""
    if name == _PERCENT:
        return f"{found.value:.6g} %"
    if found.least == found.most:
        return f"{int(found.value)}"
    return f"{int(found.value)} ({int(found.least)} {'or more' if found.most == inf else f'to {int(found.most)}'})"
