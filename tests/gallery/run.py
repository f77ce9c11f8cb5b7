"""Plays scenarios in front of a daemon, a few at a time on stages of their own, and asks the report about each."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from dropwatchd.collectors import collector_names
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import Recording
from tests.gallery.scenario import MissingError, Scenario
from tests.gallery.scenarios import scenario
from tests.gallery.score import Played, Score, judge
from tests.gallery.stage import Stage

BATCH = 8
Result = Score | Exception
"""A score, or why there is none: MissingError where this kernel cannot play it, else what went wrong."""


def play(names: Iterable[str], source: str, folder: Path, batch: int = BATCH) -> Iterator[tuple[str, Result]]:
    """Play scenarios, `batch` of them before each daemon, and yield their results."""
    left = iter(names)
    number = 0
    while chosen := {name: scenario(name) for name in islice(left, batch)}:
        number += 1
        place = folder / str(number)
        place.mkdir()
        yield from _play(chosen, source, place).items()


def _play(chosen: Mapping[str, Scenario], source: str, folder: Path) -> dict[str, Result]:
    with ExitStack() as stack:
        stages = {name: stack.enter_context(Stage()) for name in chosen}
        recording = Recording(folder, source.partition(" ")[0], _configuration(chosen, stages, source))
        stack.enter_context(recording)
        rounds = _Rounds(recording, 1 + len(_counted(chosen, stages)))
        rounds.await_next()
        since_ns = time.time_ns()
        provoked = {name: _provoke(chosen[name], stages[name]) for name in chosen}
        recording.await_written(stages[next(iter(stages))].sender)
        rounds.await_next()
        report = recording.report(since_ns)
        return {
            name: judge(Played(chosen[name], stages[name], count, source), report) if isinstance(count, int) else count
            for name, count in provoked.items()
        }


def _provoke(scenario: Scenario, stage: Stage) -> int | Exception:
    try:
        return scenario.provoke(stage)
    except (MissingError, OSError, RuntimeError) as error:
        return error


def _configuration(chosen: Mapping[str, Scenario], stages: Mapping[str, Stage], source: str) -> str:
    """Have the counters read that the scenarios name, in the namespaces that they name, and no others."""
    wanted = {moved.collector for scenario in chosen.values() for moved in scenario.counters} | {"snmp"}
    lines = [
        "[counters]", "interval_seconds = 1",
        f"disabled = {sorted({*collector_names()} - wanted)}",
        f"namespaces = {[namespace.name for namespace in _counted(chosen, stages)]}",
        *(["[net_dm]", 'mode = "summary"'] if source == "net_dm summary" else []),
    ]
    return "\n".join(lines)


def _counted(chosen: Mapping[str, Scenario], stages: Mapping[str, Stage]) -> list[Namespace]:
    return [stages[name].namespace(role) for name, scenario in chosen.items()
            for role in sorted({moved.role for moved in scenario.counters} | {scenario.role})]


class _Rounds:
    """Waits for the daemon's readings of counters, which it takes in `places` namespaces one after the other."""

    def __init__(self, recording: Recording, places: int) -> None:
        self._recording = recording
        self._places = places

    def await_next(self) -> None:
        """Wait until all counters have been read that are read now, and then all of them once more."""
        goal = self._taken() + 2 * self._places
        wait_for(lambda: self._taken() >= goal, "the counters have been read")

    def _taken(self) -> int:
        """Return how often the collector that was read the least often has been read."""
        rows = self._recording.query("SELECT coalesce(min(rounds), 0) AS rounds FROM collector_runs")
        return int(rows[0]["rounds"])
