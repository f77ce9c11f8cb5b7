"""Which hosts of the central history a report is about."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dropwatchd.history.patterns import is_called

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys of hosts, and their machine ids; `every` says that these are all there are."""

    keys: list[int]
    machines: dict[int, str]
    every: bool


def asked_hosts(source: "Connection[Any]", pattern: str | None) -> Asked:
    """Return the hosts of a name, a glob, or a machine id; all of them where none is called so, as a report tells."""
    machines: dict[int, str] = {}
    called: dict[int, set[str]] = {}
    for host, machine_id, hostname in source.execute("""
            SELECT host, machine_id, hostname FROM dropwatch.hosts UNION
            SELECT host, machine_id, r.hostname FROM dropwatch.runs r JOIN dropwatch.hosts USING (host)
            WHERE %s""", (pattern is not None,)):
        machines[host] = machine_id
        called.setdefault(host, {machine_id}).add(hostname)
    chosen = [host for host, names in called.items() if pattern is None or is_called(pattern, names)]
    return Asked(chosen or list(machines), machines, every=not chosen or len(chosen) == len(machines))
