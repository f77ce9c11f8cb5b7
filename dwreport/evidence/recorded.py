"""What is on record of the time in a report's window: lives of the daemon, what they watched, and the ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.reader import LedgerGap, Reader, Run, WatchRow
from dropwatchd.history.read.stops import stops
from dropwatchd.model import NANO, GapCause
from dwreport.evidence.switched_off import left_out, switched_off

Span = tuple[int, int]

_OF_SOURCES = {"software", "hardware", "packets"}
_GONE_NS = 7 * 86_400 * NANO  # after which a host that stopped is taken to be no more


@dataclass(frozen=True)
class Recorded:
    """What coverage is judged by; `now_ns` is when, on the clock as it is set then (None: after all of it).

    `sent` says that it came here from hosts, some minutes after they have written it. `ever` is what which run has
    watched at any time, where that is not in `watches` alone. `absent` are hosts that are on record, though with no run
    in the window: beside others they count as hosts of which nothing is known.
    """

    runs: Sequence[Run]
    watches: Sequence[WatchRow]
    ledger: Sequence[LedgerGap]
    now_ns: int | None = None
    sent: bool = False
    ever: Collection[tuple[int, str]] = ()
    absent: Sequence[str] = ()

    def watches_never(self, run: Run, what: str) -> bool:
        """Say whether a run goes on without a source: those that it has, it has begun to watch with itself."""
        return what in _OF_SOURCES and "daemon" in self.written.get(run.run_id, {}) and (
            run.run_id, what) not in self._watched

    @cached_property
    def _watched(self) -> set[tuple[int, str]]:
        return {*self.ever, *((watch.run_id, watch.what) for watch in self.watches)}

    @cached_property
    def by_host(self) -> "dict[str | None, Recorded]":
        """What was recorded of each host: many steps of time are judged by it."""
        runs, watches, ledger = (defaultdict[str | None, list[Any]](list) for _ in range(3))
        for run in self.runs:
            runs[run.hostname].append(run)
        for watch in self.watches:
            watches[watch.host].append(watch)
        for gap in self.ledger:
            ledger[gap.host].append(gap)
        return {host: replace(self, runs=runs[host], watches=watches[host], ledger=ledger[host], absent=())
                for host in [*runs, *self.absent]}

    @cached_property
    def clocks_off(self) -> frozenset[str]:
        """The hosts whose times are those of a clock that is off."""
        return frozenset(gap.host for gap in self.ledger if gap.host and gap.cause == GapCause.CLOCK_OFF)

    @cached_property
    def spans(self) -> dict[tuple[str | None, str], list[Span]]:
        """When each host watched each kind of thing."""
        found = defaultdict[tuple[str | None, str], list[Span]](list)
        for watch in self.watches:
            found[watch.host, watch.what].append((watch.since_ns, watch.until_ns))
        return found

    @cached_property
    def written(self) -> dict[int, dict[str, int]]:
        """Up to when each run has written each kind of what it goes on watching."""
        found = defaultdict[int, dict[str, int]](dict)
        for watch in self.watches:
            if not watch.ending:
                ends = found[watch.run_id]
                ends[watch.what] = max(watch.until_ns, ends.get(watch.what, watch.until_ns))
        return found


def recorded(reader: Reader) -> Recorded:
    """Ask the history what was watched in the report's window: of counters, those of the namespaces asked for."""
    spaces = reader.namespaces()
    watches = [watch for watch in reader.watches()
               if spaces is None or watch.what != "counters" or watch.netns in spaces]
    ran = defaultdict[int, set[str]](set)
    for run, collector in reader.rows("SELECT run_id, collector FROM collector_runs"):
        ran[cast("int", run)].add(str(collector))
    ledger = [*reader.gaps(), *switched_off(watches, reader.netns_names()), *left_out(watches, reader.runs(), ran)]
    ever = cast("list[tuple[int, str]]", list(reader.rows("SELECT DISTINCT run_id, what FROM watches")))
    return Recorded(reader.runs(), watches, ledger, reader.now_ns, isinstance(reader.connection, Pulled), ever,
                    _absent(reader, ledger))


def _absent(reader: Reader, ledger: Iterable[LedgerGap]) -> list[str]:
    """Return the hosts without a run in the window: recorded before it, or by a clock that is ahead of it.

    Of those that stopped long before nobody knows whether they are still there: hosts come and go.
    """
    since_ns = reader.scope.since_ns - _GONE_NS
    there = {run.hostname for run in reader.runs()}
    hosts = [*(stop.host for stop in stops(reader) if there and stop.until_ns >= since_ns),
             *(gap.host for gap in ledger if gap.cause == GapCause.CLOCK_OFF and gap.host)]
    return [host for host in dict.fromkeys(hosts) if host not in there]
