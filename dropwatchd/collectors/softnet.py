"""Packets that CPUs took from devices and their backlog queues, and those a full backlog dropped."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

# Columns of /proc/net/softnet_stat (net/core/net-procfs.c, softnet_seq_show); the others count nothing
_COUNTERS = {0: "processed", 1: "dropped", 2: "time_squeeze", 9: "received_rps", 10: "flow_limit_count"}
_BACKLOG, _CPU = 11, 12  # 5.10+: the length of the queues now, and the number of the CPU


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of all online CPUs: they are the whole host's, in whichever namespace."""
    return parse(_proc.read(host, "softnet_stat"))


def parse(text: str) -> list[Reading]:
    """Parse /proc/net/softnet_stat: a line per online CPU, each number 32 bit in hexadecimal."""
    return [reading for line, row in enumerate(text.splitlines()) for reading in _readings(line, row.split())]


def _readings(line: int, row: list[str]) -> Iterator[Reading]:
    """Yield the readings of a CPU; kernels before 5.10 do not number it, there its line stands for it."""
    values = [int(value, 16) for value in row]
    labels = (("cpu", str(values[_CPU] if len(values) > _CPU else line)),)
    for column, name in _COUNTERS.items():
        if column < len(values):
            yield Reading(CounterKey("softnet", name, labels=labels), values[column], 32)
    if len(values) > _BACKLOG:
        yield Reading(CounterKey("softnet", "backlog", labels=labels), values[_BACKLOG], 0)
