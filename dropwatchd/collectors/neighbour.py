"""Neighbour tables (ARP, NDISC): resolutions that failed, packets dropped while they waited, tables that were full."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_TABLES = ("arp", "ndisc")
_GAUGE = "entries"
_COUNTERS = ("allocs", "destroys", "res_failed", "forced_gc_runs", "unresolved_discards", "table_fulls")


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters; the kernel has the files in the initial namespace only, and counts for the whole host."""
    found = [reading for table in _TABLES for reading in _table(host, table)]
    if not found:
        raise AbsentError("neighbour tables are counted in the initial network namespace only")
    return found


def _table(host: Host, table: str) -> list[Reading]:
    try:
        return list(parse(table, _proc.read(host, f"stat/{table}_cache")))
    except AbsentError:
        return []


def parse(table: str, text: str) -> Iterator[Reading]:
    """Parse /proc/net/stat/arp_cache (net/core/neighbour.c, neigh_stat_seq_show): a line for each possible CPU.

    The CPUs' counters are added up, being as wide as a long; the number of entries is the table's in each line.
    """
    rows = list(_proc.columns(text))
    labels = (("table", table),)
    yield Reading(CounterKey("neighbour", _GAUGE, labels=labels), rows[0][_GAUGE], 0)
    for name in _COUNTERS:
        if name in rows[0]:
            yield Reading(CounterKey("neighbour", name, labels=labels), sum(row[name] for row in rows))
