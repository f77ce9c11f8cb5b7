"""Which part of a history is asked for, and the SQL conditions that select it."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dropwatchd.history.read.patterns import Patterns, wanted
from dropwatchd.history.read.portions import Match
from dropwatchd.model import DropKey

# Windows that begin up to this long before the report's may reach into it: retention folds into hours, and the last
# of an hour's windows may end a minute after it. The like for changes of counters that end after the report's window.
WIDEST_WINDOW_NS = 3660 * 1_000_000_000
LONGEST_CHANGE_NS = 3 * 3600 * 1_000_000_000

WINDOWS = f"window_start_ns > :since - {WIDEST_WINDOW_NS} AND window_start_ns < :until"

# What leaves open whether a filter's condition holds. A packet of known namespace and protocol but of no ifindex was on
# no device; without a protocol the map was full, and its device is not on record. Messages between programs have
# neither device nor ethertype.
_NEVER = "0"
_REASONLESS = "(reason IS NULL AND trap IS NULL)"
_NAMELESS = "(name IS NULL AND (ifindex IS NOT NULL OR namespace_id IS NULL))"
_OF_MESSAGES = "symbol GLOB 'unix_*' OR symbol GLOB 'netlink_*' OR symbol GLOB '*vsock_*'"

# Of a row that reaches beyond an edge: at its first and last time a packet was dropped, the others evenly between.
# The parts of windows that meet add up to the row.
_BEFORE = """CASE WHEN {edge} <= first_ns THEN 0 WHEN {edge} > last_ns THEN count WHEN count < 2 THEN 0
             ELSE 1 + CAST((count - 2) * (1.0 * ({edge} - first_ns) / (last_ns - first_ns)) AS INTEGER) END"""
IS_WITHIN = "(first_ns >= :since AND last_ns < :until)"
INSIDE = f"""CASE WHEN {IS_WITHIN} THEN count
             ELSE ({_BEFORE.format(edge=':until')}) - ({_BEFORE.format(edge=':since')}) END"""
AT_LEAST = """CASE WHEN first_ns >= :since AND last_ns < :until THEN count WHEN count < 2 THEN 0
              ELSE (first_ns >= :since) + (last_ns < :until) END"""
AT_MOST = "CASE WHEN count < 2 THEN count ELSE count - (first_ns < :since) - (last_ns >= :until) END"

# What runs r are asked for: see Scope.
_IN_RUNS = "r.machine_id || ' ' || r.boot_id || ' ' || r.started_ns IN (SELECT value FROM json_each(:runs))"
OF_RUNS = f"(:runs IS NULL OR {_IN_RUNS})"

# By a name that it had then, or by its inode.
IN_NAMESPACE = "namespace_id IN (SELECT id FROM namespaces WHERE asked_netns(name, inode))"


class Judge(Protocol):
    """Says of a host's drops whether they are asked for, as far as their key, a sampled packet, or labels tell.

    `seen` are values that packets had of what is asked for, the most frequent first.
    """

    def key(self, host: str, key: DropKey) -> Match: ...
    def packet(self, host: str, key: DropKey, data: bytes, *, link_header: bool) -> Match: ...
    def labels(self, collector: str, labels: str) -> bool: ...
    def seen(self) -> Sequence[str]: ...


class Only(Protocol):
    """Filters by what no table has in a column; `rows` asks the history within the window."""

    def judge(self, rows: Callable[[str], Iterator[tuple[object, ...]]]) -> Judge: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The times since <= t < until, and what else narrows a report; nothing selects everything.

    A row of drops belongs to a scope when its drops, first to last, overlap the time span: none is missed; those that
    reach beyond an edge are apportioned. Filters are names and globs, with ! before what is not wanted: `protocol` of
    ethertypes ("2048"), `netns` of names or inodes ("blue", "4026531840", "net:[4026531840]"). `host` is a name, a
    glob or a machine id. `runs` are machine, boot and start of some, in one text: no other's rows belong to the scope,
    where a clock that was set has given these the same times. The conditions call the functions of `asked`. `only` is
    what no condition can say: the reader applies it.
    """

    since_ns: int
    until_ns: int
    location: Patterns = ()
    interface: Patterns = ()
    reason: Patterns = ()
    protocol: Patterns = ()
    netns: Patterns = ()
    origin: str | None = None
    host: str | None = None
    only: Only | None = None
    runs: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        """Say whether anything but time and host narrows the scope."""
        return any((self.location, self.interface, self.reason, self.protocol, self.netns, self.origin, self.only))

    def values(self) -> dict[str, object]:
        """Return the values that the conditions of this module refer to."""
        return {"since": self.since_ns, "until": self.until_ns, "origin": self.origin, "host": self.host,
                "runs": json.dumps(self.runs) if self.runs else None}

    def unfiltered(self) -> "Scope":
        """Return what is on record of the same time, hosts and runs, whatever else narrows the scope."""
        return Scope(self.since_ns, self.until_ns, host=self.host, runs=self.runs)


def drop_clause(scope: Scope, *, packets: bool = False) -> str:
    """Return the condition on the table drops, or packets: on its own columns alone.

    Of drops it says which of those rows are meant that may reach into the window: see layers.py, and WINDOWS.
    """
    return " AND ".join([
        "time_ns >= :since AND time_ns < :until" if packets else "last_ns >= :since AND first_ns < :until",
        *_among("location_id", "locations", _location_condition(scope)),
        *_among("kind_id", "kinds", " AND ".join(_kind_conditions(scope))),
        *_among("interface_id", "interfaces", " AND ".join(_interface_conditions(scope))),
        *_placed(scope),
        *_of_runs(scope),
    ])


def may_clause(scope: Scope) -> str:
    """Return the condition on rows of drops that the filters leave out, though nothing on record speaks against them.

    A filter must not hide what may match it: drops of a full map, or of a source that does not tell.
    """
    matches = " AND ".join([
        *_among("location_id", "locations", _location_condition(scope)),
        *_among("kind_id", "kinds", " AND ".join(_kind_conditions(scope))),
        *_among("interface_id", "interfaces", " AND ".join(_interface_conditions(scope))), *_placed(scope)])
    told, untold = (" AND ".join(_interface_conditions(scope, nameless, "namespace_id IS NULL"))
                    for nameless in (_NAMELESS, "name IS NULL"))
    full = f"{_in('interface_id', 'interfaces', untold)} AND {_in('kind_id', 'kinds', 'protocol IS NULL')}"
    placed = [f"({_in('interface_id', 'interfaces', told)} OR ({full}))"] if told else []
    return " AND ".join([
        drop_clause(scope.unfiltered()),
        *_among("location_id", "locations", _location_condition(scope, "symbol IS NULL")),
        *_among("kind_id", "kinds", " AND ".join(_kind_conditions(scope, _REASONLESS, "protocol IS NULL"))),
        *placed,
        *([f"NOT {_in('location_id', 'locations', _OF_MESSAGES)}"]
          if wanted(scope.interface) or wanted(scope.protocol) else []),
        f"NOT ({matches or 1})"])


def change_clause(scope: Scope) -> str:
    """Return the condition on counter_changes; a counter has no reason, location or protocol."""
    return " AND ".join([
        "until_ns > :since AND since_ns < :until",
        *_among("counter_id", "counters", " AND ".join(_counter_conditions(scope))),
        *_of_runs(scope),
    ])


def run_clause(scope: Scope) -> str:
    """Return the condition on runs r: all of a machine, whatever it was called meanwhile, or the runs asked for."""
    return " AND ".join([host_clause(scope), *([_IN_RUNS] if scope.runs else [])])


def host_clause(scope: Scope) -> str:
    """Return the condition on runs r of the hosts: what is the same in all runs does not ask in which it was seen."""
    if scope.host is None:
        return "1"
    return "r.machine_id IN (SELECT machine_id FROM runs WHERE asked_host(hostname, machine_id))"


def _of_runs(scope: Scope) -> list[str]:
    return [] if scope.host is None and not scope.runs else [_in("run_id", "runs r", run_clause(scope))]


def _placed(scope: Scope) -> list[str]:
    """Leave out drops of a full map, whose device is not on record: it may be one that is not wanted."""
    if not scope.interface or wanted(scope.interface):
        return []
    return [f"""NOT ({_in("interface_id", "interfaces", "name IS NULL AND ifindex IS NULL")}
                AND {_in("kind_id", "kinds", "protocol IS NULL")}
                AND NOT {_in("location_id", "locations", _OF_MESSAGES)})"""]


def _among(column: str, table: str, condition: str) -> list[str]:
    return [_in(column, table, condition)] if condition else []


def _in(column: str, table: str, condition: str) -> str:
    return f"{column} IN (SELECT id FROM {table} WHERE {condition})"


def _location_condition(scope: Scope, or_else: str = _NEVER) -> str:
    return f"(asked_location(symbol, offset, module, address) OR {or_else})" if scope.location else ""


def _kind_conditions(scope: Scope, reasonless: str = _NEVER, protocolless: str = _NEVER) -> list[str]:
    return [condition for condition, wanted in (
        (f"(asked_reason(reason, trap) OR {reasonless})", scope.reason),
        (f"(asked_protocol(protocol) OR {protocolless})", scope.protocol),
        ("origin = :origin", scope.origin is not None),
    ) if wanted]


def _interface_conditions(scope: Scope, nameless: str = _NEVER, netnsless: str = _NEVER) -> list[str]:
    return [condition for condition, wanted in (
        (f"(asked_interface(name, ifindex, namespace_id IS NOT NULL) OR {nameless})", scope.interface),
        (f"({IN_NAMESPACE} OR {netnsless})", scope.netns),
    ) if wanted]


def _counter_conditions(scope: Scope) -> list[str]:
    return [condition for condition, wanted in (
        ("asked_interface(interface, NULL, 1)", scope.interface),
        (IN_NAMESPACE, scope.netns),
    ) if wanted]
