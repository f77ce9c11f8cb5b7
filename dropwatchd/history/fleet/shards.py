"""Several servers with a part of the hosts each, behind one that reports ask: which answer, and who is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dropwatchd.history.fleet.connect import FleetError

if TYPE_CHECKING:
    from psycopg import Connection


class Missing(NamedTuple):
    """A host whose shard does not answer, as it was known when that last did; `fault` says what is wrong now."""

    machine_id: str
    hostname: str
    sent_ns: int
    shard: str
    fault: str


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards that answer, with their first and last keys; and the hosts of the others. None of both: one server."""

    answer: Sequence[tuple[str, int, int]] = ()
    missing: Sequence[Missing] = ()
    told: Sequence[str] = ()

    @property
    def hosts(self) -> str:
        """Return SQL for the hosts that can be asked for."""
        return " OR ".join(f"host BETWEEN {first} AND {last}" for _shard, first, last in self.answer) \
            if self.told else "true"

    def of_all(self, query: str) -> str:
        """Return a query on a table that belongs to no host, of all shards that answer."""
        if not self.answer:
            return query
        return re.sub(r"FROM dropwatch\.(\w+)", lambda found: "FROM ({}) t".format(" UNION ".join(
            f"SELECT * FROM {shard}.{found[1]}" for shard, _first, _last in self.answer)), query)  # noqa: S608 - of ours


def ask(source: "Connection[Any]") -> Shards:
    """Ask each shard whether it is there, which remembers what hosts it has; raise FleetError where none is."""
    [(there,)] = source.execute("SELECT to_regclass('dropwatch.shards')").fetchall()
    if there is None:
        return Shards()
    rows = source.execute("SELECT shard, first, last, fault FROM dropwatch.ask_shards()").fetchall()
    answer = [(shard, first, last) for shard, first, last, fault in rows if fault is None]
    if not answer:
        raise FleetError(f"no shard of the central history answers ({_first_line(rows[0][3])})" if rows else
                         "the central history has no shard yet; add them with dropwatch.add_shard()")
    missing: list[Missing] = []
    told = []
    for shard, first, last, fault in rows:
        if fault is not None:
            hosts = source.execute("SELECT machine_id, hostname, sent_ns FROM dropwatch.known_hosts"
                                   " WHERE host BETWEEN %s AND %s", (first, last)).fetchall()
            missing += [Missing(machine_id, hostname, sent_ns, shard, _first_line(fault))
                        for machine_id, hostname, sent_ns in hosts]
            told.append(f"not answered: shard {shard} with {len(hosts)} host{'' if len(hosts) == 1 else 's'} that were "
                        f"known ({_first_line(fault)}); what was dropped there is unknown")
    return Shards(answer, missing, told)


def _first_line(text: str) -> str:
    return " ".join(text.partition("\n")[0].split())
