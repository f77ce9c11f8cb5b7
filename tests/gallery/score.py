"""What a record says of a scenario, against what was provoked: four answers, each yes, no, or not to be had here."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dwreport import causes
from tests.gallery.recording import Row
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COLUMNS = ("recorded", "cause", "interface", "counters")
UNSAID = (None, "NOT_SPECIFIED")
SUMMARY = "net_dm summary"


@dataclass(frozen=True, slots=True)
class Score:
    """True: right, False: wrong, None: this kernel or source does not tell, for the reason in `notes`."""

    recorded: bool | None
    cause: bool | None
    interface: bool | None
    counters: bool | None
    notes: tuple[str, ...]

    @property
    def answers(self) -> tuple[bool | None, ...]:
        return self.recorded, self.cause, self.interface, self.counters

    @property
    def is_right(self) -> bool:
        return False not in self.answers


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario after it was played: on which stage, what it says it provoked, and what sees drops here."""

    scenario: Scenario
    stage: Stage
    provoked: int
    source: str


def judge(played: Played, report: Row) -> Score:
    """Compare the drops and counters of a report on the time of the scenario with what was provoked."""
    scenario, provoked = played.scenario, played.provoked
    counters, notes = _reconcile(played, report["counters"])
    headline, told = _headline(played, report["findings"])
    if silent := _limit(scenario.silent, played.source):
        return Score(None, headline, None, counters, (f"no event: {silent}", *notes, *told))
    if mixed := _limit(scenario.mixed, played.source):
        return Score(None, None, None, counters, (f"not to be told apart: {mixed}", *notes))
    by_place = played.source != "bpf" or not {"*", kernel()}.isdisjoint(scenario.reasonless)
    own = [row for row in report["drops"]
           if belongs(row, scenario, played.stage) and is_cause(row, scenario, by_place=by_place)]
    count = sum(row["count"] for row in own)
    if count != provoked:
        beside = [f"{row['count']} {_called(row)}" for row in report["drops"] if row not in own]
        notes = (f"{count} recorded, {provoked} provoked; beside: {', '.join(beside[:40])}", *notes)
    if not (cause := bool(own) and all(row["cause"] for row in own)):
        notes = (*notes, f"no cause for {sorted({_called(row) for row in own})}")
    named, note = _interface(played, own)
    return Score(count == provoked, cause and headline is not False, named, counters, (*notes, *told, *note))


def _headline(played: Played, findings: Iterable[Row]) -> tuple[bool | None, tuple[str, ...]]:
    """Say whether a finding has the cause for its headline; NET_DM lacks what it takes: namespaces, or packets."""
    wanted = headlines(played.scenario)
    if played.source != "bpf" or not wanted:
        return None, ()
    found: Counter[str] = Counter()
    for finding in findings:  # each place has its own
        found[finding["title"]] += finding["count"]
    if any(found[title] >= played.provoked for title in wanted):
        return True, ()
    return False, (f"no finding named so, but: {'; '.join(sorted(found))}",)


def headlines(scenario: Scenario) -> set[str]:
    """Return the titles of findings that name the cause."""
    names = [*(scenario.named or scenario.reasons)]
    if not {"*", kernel()}.isdisjoint(scenario.reasonless) and not scenario.named:
        names += scenario.locations
    entries = [entry for name in names for entry in causes.explain(name)]
    return {entry.title for entry in entries
            if " in " not in entry.name or entry.name in names
            or not set(entry.name.partition(" in ")[2].split(", ")).isdisjoint(scenario.locations)}


def _interface(played: Played, own: list[Row]) -> tuple[bool | None, tuple[str, ...]]:
    """Say whether all rows tell the interface: its name from BPF, else its index, which no other device here has."""
    scenario, by_name = played.scenario, played.source == "bpf"
    if played.source == SUMMARY:
        return None, ("interface: summary mode counts by place alone",)
    nameless = _limit(scenario.nameless, played.source)
    if nameless and not by_name:
        return None, (f"interface: {nameless}",)
    index = played.stage.indexes.get((scenario.role, scenario.interface or ""))
    told = {row["interface"] if by_name and not nameless else row["ifindex"] for row in own}
    if told != {scenario.interface if by_name and not nameless else index}:
        return False, (f"interface {sorted(map(str, told))}",)
    return (None, (f"interface: {nameless}",)) if nameless else (True, ())


def belongs(row: Row, scenario: Scenario, stage: Stage) -> bool:
    """Say whether a row is of the scenario's namespace; where none is told, of its devices or of no device."""
    if row["netns"] is not None:
        return bool(row["netns"] == stage.namespace(scenario.role).name)
    return row["ifindex"] is None or row["ifindex"] in stage.indexes.values()


def is_cause(row: Row, scenario: Scenario, *, by_place: bool) -> bool:
    """Say whether a row tells the scenario's cause: by its reason, or where there is none by its location."""
    if row["trap"] or scenario.trap:
        return bool(row["trap"] == scenario.trap)
    if row["reason"] not in UNSAID:
        return row["reason"] in scenario.reasons
    return by_place and symbol(row) in scenario.locations


def symbol(row: Row) -> str:
    """Return the function of a row, without what the compiler appended to its name."""
    return str(row["location"]["symbol"] or "").split(".")[0]


def _called(row: Row) -> str:
    return f"{row['reason']} in {row['location']['symbol']}"


def _limit(limits: Mapping[str, str], source: str) -> str | None:
    """Return why something is not to be had on this kernel or from this source."""
    return next((limits[key] for key in ("*", kernel(), source) if key in limits), None)


def kernel() -> str:
    """Return the running kernel's series, such as "6.12"."""
    return ".".join(os.uname().release.split(".")[:2])


def _reconcile(played: Played, rows: Iterable[Row]) -> tuple[bool | None, tuple[str, ...]]:
    """Say whether every counter moved as it must, and which did not; None where nothing counts this cause."""
    found, wrong = list(rows), []
    for moved in played.scenario.counters:
        delta = sum(row["delta"] for row in found if _is(moved, row, played.stage))
        if delta < moved.at_least if moved.at_least is not None else delta != played.provoked:
            wrong.append(f"{moved.collector} {moved.name} {delta:+d}")
    return not wrong if played.scenario.counters else None, tuple(wrong)


def _is(moved: Moved, row: Row, stage: Stage) -> bool:
    """Say whether a row is of a counter that a scenario names; what is counted for the whole host has no namespace."""
    namespace = stage.namespace(moved.role)
    return ((moved.collector, moved.name, moved.interface) == (row["collector"], row["name"], row["interface"])
            and row["netns"] in {namespace.name, f"net:[{namespace.inode}]", None}
            and moved.labels.items() <= row["labels"].items())
