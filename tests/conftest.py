"""Which tests run one after the other, and which beside them; what is said below them all."""

from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.torture import outcome as outcomes
from tests.vm.recipe import RECIPES

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Iterator[Callable[[str], outcomes.Outcome]]:
    """Return what begins to count a fault; what was counted is in the table below all tests."""
    begun: list[outcomes.Outcome] = []

    def begin(fault: str) -> outcomes.Outcome:
        begun.append(outcomes.Outcome(fault))
        return begun[-1]

    yield begin
    request.node.user_properties += [(outcomes.PROPERTY, astuple(one)) for one in begun]


# What needs neither this machine's kernel nor its clock to itself.
_BESIDE_OTHERS = ("tests/dwreport", "tests/dropwatchd/history")


class _ByMachine(LoadScopeScheduling):
    """All tests of this machine's kernel run one after the other, for they share it, and all of one guest's as well."""

    def _split_scope(self, nodeid: str) -> str:
        parameters = nodeid.partition("[")[2].rstrip("]").split("-")
        if nodeid.startswith("tests/vm/"):
            return next((kernel for kernel in RECIPES if kernel in parameters), "here")
        return next((folder for folder in _BESIDE_OTHERS if nodeid.startswith(f"{folder}/")), "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the guests, which take longest."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/vm/"))


def pytest_xdist_make_scheduler(config: Any, log: Any) -> _ByMachine:
    """Where pytest-xdist runs the tests, divide them so, in the order in which they are collected."""
    config.option.loadscopereorder = False
    return _ByMachine(config, log)


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:  # pytest 9.1; Debian has 8
    """Show what the tests of faults have counted."""
    ends = terminalreporter.stats.get("", ())  # of tests, which count until they are taken down
    found = [outcomes.Outcome(*value) for report in ends for name, value in report.user_properties
             if name == outcomes.PROPERTY]
    if found:
        terminalreporter.section("faults")
        terminalreporter.write_line(outcomes.table(found))
