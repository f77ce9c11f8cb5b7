"""Which hosts of the central history a report is about."""

# ruff: noqa: S608 - the SQL is put together from texts and numbers of ours; values are bound.

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.shards import Missing, Shards
from dropwatchd.history.read.patterns import is_called
from dropwatchd.model import NANO

if TYPE_CHECKING:
    from psycopg import Connection

OFF_NS = 60 * NANO  # minutes are sent: a clock that is off by less moves little into another one


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys of hosts, and their machine ids; `every` says that these are all there are.

    `missing` are asked for as well, and cannot be asked. `ahead` is by how much clocks were when they last sent, in ns.
    """

    keys: list[int]
    machines: dict[int, str]
    every: bool
    missing: Sequence[Missing] = ()
    ahead: dict[int, int] = field(default_factory=dict)


def asked_hosts(source: "Connection[Any]", pattern: str | None, shards: Shards) -> Asked:
    """Return the hosts of a name, a glob, or a machine id; all of them where none is called so, as a report tells."""
    machines: dict[int, str] = {}
    ahead: dict[int, int] = {}
    called: dict[int, set[str]] = {}
    for host, machine_id, hostname, ahead_ns in source.execute(f"""
            SELECT host, machine_id, hostname, ahead_ns FROM dropwatch.hosts WHERE {shards.hosts} UNION
            SELECT host, machine_id, r.hostname, ahead_ns FROM dropwatch.runs r JOIN dropwatch.hosts USING (host)
            WHERE %s AND ({shards.hosts})""".encode(), (pattern is not None,)):
        machines[host] = machine_id
        ahead[host] = ahead_ns
        called.setdefault(host, {machine_id}).add(hostname)
    chosen = [host for host, names in called.items() if pattern is None or is_called(pattern, names)]
    missing = [host for host in shards.missing
               if pattern is None or is_called(pattern, (host.hostname, host.machine_id))]
    if not chosen and not missing:
        chosen, missing = list(machines), list(shards.missing)
    return Asked(chosen, machines, every=len(chosen) == len(machines) and not shards.told, missing=missing,
                 ahead={host: ahead[host] for host in chosen if abs(ahead[host]) >= OFF_NS})
