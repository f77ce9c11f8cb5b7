"""Plays scenarios in front of a daemon, a few at a time on stages of their own, and asks the report about each."""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from dropwatchd.collectors import collector_names
from dropwatchd.config import RETRANSMITS
from dropwatchd.history.write.open import upgrade
from dropwatchd.model import GapCause
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import Recording, at
from tests.gallery.results import Result, is_right
from tests.gallery.scenario import MissingError, Scenario
from tests.gallery.scenarios import scenario
from tests.gallery.score import SUMMARY, Played, headlines, judge
from tests.gallery.stage import Stage

BATCH = 12
SUMMARY_S = 1.5  # a summary's drops lie in the second before it came
_INTERVAL_S = 2  # of readings: what an emulated machine does in less keeps it from all else
_MIDST = 3  # rounds after which drops are no longer near to the last reading, with which they cannot be compared


def play(names: Iterable[str], source: str, folder: Path, batch: int = BATCH) -> Iterator[tuple[str, Result]]:
    """Play scenarios, up to `batch` of them before each daemon, and yield their results.

    Where drops happened inside a drop, the record says how many, not which: what was wrong meanwhile is played anew.
    """
    empty = folder / "empty.db"
    upgrade(empty)
    for number, chosen in enumerate(batches(names, source, batch)):
        results, is_whole = _play(chosen, source, _place(folder / str(number), empty))
        for name, result in results.items():
            if is_whole or is_right(result):
                yield name, result
            else:
                yield name, _play({name: chosen[name]}, source, _place(folder / name, empty))[0][name]


def _place(folder: Path, empty: Path) -> Path:
    """Return a new folder with an empty history: its making takes longer than all else of a daemon's start."""
    folder.mkdir()
    shutil.copyfile(empty, Recording.database_in(folder))
    return folder


def batches(names: Iterable[str], source: str, size: int = BATCH) -> list[dict[str, Scenario]]:
    """Divide scenarios so that what a drop tells says whose it is: with BPF its namespace does, and no two of a batch
    want the same headline. NET_DM tells no namespace: there no two share a reason or a location.
    """
    found: list[dict[str, Scenario]] = []
    for name in names:
        one, alike = scenario(name), _one_headline if source == "bpf" else _alike
        fitting = (batch for batch in found if len(batch) < size
                   and not any(alike(one, other) for other in batch.values()))
        if (batch := next(fitting, None)) is None:
            found.append(batch := {})
        batch[name] = one
    return found


def _one_headline(one: Scenario, other: Scenario) -> bool:
    return not headlines(one).isdisjoint(headlines(other))


def _alike(one: Scenario, other: Scenario) -> bool:
    names, others = ({*scenario.reasons, *scenario.locations} for scenario in (one, other))
    return not names.isdisjoint(others | {*other.beside}) or not others.isdisjoint(one.beside)


def _play(chosen: Mapping[str, Scenario], source: str, folder: Path) -> tuple[dict[str, Result], bool]:
    """Return the results, and whether the record says of every drop what it was."""
    with ExitStack() as stack:
        stages = {name: stack.enter_context(Stage()) for name in chosen}
        missing = dict(_prepare(chosen, stages))
        recording, rounds = _start(stack, chosen, stages, source, folder)
        rounds.await_next()
        since_ns = time.time_ns()
        if source == SUMMARY:
            time.sleep(SUMMARY_S)  # so that no summary of what comes began before
        provoked = {name: missing.get(name) or _provoke(chosen[name], stages[name]) for name in chosen}
        recording.await_written(stages[next(iter(stages))].sender)
        rounds.await_next()
        recording.stop()  # what is read no more leaves the machine to the report
        report = recording.report(since_ns)
        results: dict[str, Result] = {
            name: judge(Played(chosen[name], stages[name], count, source), report) if isinstance(count, int) else count
            for name, count in provoked.items()
        }
        return results, all(gap["cause"] != GapCause.NESTED for gap in report["coverage"]["gaps"])


def report(name: str, source: str, folder: Path) -> str:
    """Play one scenario, and return what dwreport prints of it on a terminal."""
    chosen = {name: scenario(name)}
    with ExitStack() as stack:
        stages = {name: stack.enter_context(Stage("gallery"))}
        for _name, error in _prepare(chosen, stages):
            raise error
        recording, rounds = _start(stack, chosen, stages, source, folder)
        (run,) = recording.query("SELECT started_ns FROM runs")
        rounds.await_next()
        chosen[name].provoke(stages[name])
        recording.await_written(stages[name].sender)
        for _ in range(_MIDST):
            rounds.await_next()
        return recording.dwreport("--verbose", "--width", "100", "--since", at(run["started_ns"]))


def _prepare(chosen: Mapping[str, Scenario], stages: Mapping[str, Stage]) -> Iterator[tuple[str, MissingError]]:
    """Set up what scenarios need before the daemon starts; yield those for which this host has not what it takes."""
    for name, one in chosen.items():
        if one.prepare:
            try:
                one.prepare(stages[name])
            except MissingError as error:
                yield name, error


def _start(stack: ExitStack, chosen: Mapping[str, Scenario], stages: Mapping[str, Stage], source: str,
           folder: Path) -> tuple[Recording, "_Rounds"]:
    recording = Recording(folder, source.partition(" ")[0], _configuration(chosen, stages, source))
    stack.enter_context(recording)
    return recording, _Rounds(recording, 1 + len(_counted(chosen, stages)))


def _provoke(scenario: Scenario, stage: Stage) -> int | Exception:
    try:
        return scenario.provoke(stage)
    except (MissingError, OSError, RuntimeError) as error:
        return error


def _configuration(chosen: Mapping[str, Scenario], stages: Mapping[str, Stage], source: str) -> str:
    """Have the counters read that the scenarios name, in the namespaces that they name, and no others."""
    wanted = {moved.collector for scenario in chosen.values() for moved in scenario.counters} | {"snmp"}
    wanted |= {collector for scenario in chosen.values() for collector in scenario.reads}
    lines = [
        "[counters]", f"interval_seconds = {_INTERVAL_S}",
        f"disabled = {sorted({*collector_names()} - wanted)}",
        f"tcp_retransmissions = {str(RETRANSMITS in wanted).lower()}",
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
