"""--fail-if: conditions on a report, by which scripts are told with exit code 3."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import click

from dwreport.report.answer import Answer
from dwreport.report.sums import sums

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


@dataclass(frozen=True, slots=True)
class Condition:
    """A number of the report, how it is compared, and with what."""

    name: str
    comparison: str
    value: float
    text: str

    def holds(self, found: float) -> bool:
        """Say whether it is so."""
        return _COMPARISONS[self.comparison](found, self.value)


def condition(text: str) -> Condition:
    """Read "harmful > 100" or "coverage < 99 %"; raise click.UsageError."""
    match = _CONDITION.fullmatch(text)
    if not match or match[1] not in NAMES or bool(match[4]) is not (match[1] == _PERCENT):
        names = ", ".join(NAMES)
        raise click.UsageError(f"unreadable --fail-if, {text}; write one of {names}, and what it is compared with: "
                               "'harmful > 100', 'coverage < 99 %'")
    return Condition(match[1], match[2], float(re.sub("[_ ]", "", match[3])), text.strip())


def check(conditions: Iterable[Condition], answer: Answer) -> list[str]:
    """Return what to say of each condition that holds, with the number that was found."""
    known = sums(answer)
    return [f"{one.text}: {one.name} is {_shown(one.name, known[one.name])}" for one in conditions
            if one.holds(known[one.name])]


def _shown(name: str, value: float) -> str:
    return f"{value:.6g} %" if name == _PERCENT else f"{int(value)}"
