"""What collectors that the configuration has switched off do not see, in a run and from one to the next: pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from dropwatchd.history.read.reader import LedgerGap, Run, WatchRow
from dropwatchd.model import NANO, SWITCHED_OFF

_ROUND_NS = NANO  # collectors that were switched together have read one after another
_FEW = 3


def switched_off(watches: Sequence[WatchRow], names: Mapping[int, str]) -> list[LedgerGap]:
    """Return the times as gaps, one for all collectors of a namespace that were off together; `names` are those."""
    if all(watch.ending != SWITCHED_OFF for watch in watches):
        return []
    last_ns: dict[str, int] = defaultdict(int)
    own: dict[tuple[str, int | None, str], list[WatchRow]] = defaultdict(list)
    for watch in watches:
        last_ns[watch.host] = max(last_ns[watch.host], watch.until_ns)
        if watch.what == "counters":
            own[watch.host, watch.netns, watch.name].append(watch)
    found: dict[tuple[str, int | None], list[tuple[int, int, set[str]]]] = defaultdict(list)
    for (host, netns, name), rows in own.items():
        there = found[host, netns]
        for since_ns, until_ns in _times(rows, last_ns[host]):
            same = next((off for since, until, off in there
                         if abs(since - since_ns) < _ROUND_NS and abs(until - until_ns) < _ROUND_NS), None)
            if same is None:
                there.append((since_ns, until_ns, {name}))
            else:
                same.add(name)
    return [LedgerGap(host, since_ns, until_ns, SWITCHED_OFF, "blind", _scope(off, names.get(netns or 0)))
            for (host, netns), there in found.items() for since_ns, until_ns, off in there]


def left_out(watches: Sequence[WatchRow], runs: Sequence[Run], ran: Mapping[int, AbstractSet[str]]) -> list[LedgerGap]:
    """Return what runs did not read at all that an earlier one of the window has: each has a configuration of its own.

    `ran` are the collectors of each run, whether they found anything or not; one of which they are not known is left.
    """
    if not ran:
        return []
    read: dict[int, set[str]] = defaultdict(set)
    for watch in watches:
        if watch.what == "counters":
            read[watch.run_id].add(watch.name)
    before: dict[str, set[str]] = defaultdict(set)
    found = []
    for run in runs:
        own = ran.get(run.run_id, set())
        if (off := before[run.hostname] - own) and own and run.since_ns < run.until_ns:
            found.append(LedgerGap(run.hostname, run.since_ns, run.until_ns, SWITCHED_OFF, "blind", _scope(off, None)))
        before[run.hostname] |= read[run.run_id]
    return found


def _times(rows: Iterable[WatchRow], last_ns: int) -> Iterable[tuple[int, int]]:
    ordered = sorted(rows, key=lambda row: row.since_ns)
    for place, row in enumerate(ordered):
        if row.ending == SWITCHED_OFF:
            until_ns = ordered[place + 1].since_ns if place + 1 < len(ordered) else last_ns
            if until_ns > row.until_ns:
                yield row.until_ns, until_ns


def _scope(off: set[str], name: str | None) -> str:
    shown = ", ".join(sorted(off)[:_FEW]) + (f" and {len(off) - _FEW} more" if len(off) > _FEW else "")
    return f"counters:{shown}{f'@{name}' if name not in {None, 'init'} else ''}"
