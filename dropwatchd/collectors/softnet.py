"""Packets that CPUs took from devices and their backlog queues, and those a full backlog dropped."""

from collections.abc import Iterable, Iterator, Sequence
from errno import EAGAIN

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

# Columns of /proc/net/softnet_stat (net/core/net-procfs.c, softnet_seq_show); the others count nothing
_COUNTERS = {0: "processed", 1: "dropped", 2: "time_squeeze", 9: "received_rps", 10: "flow_limit_count"}
_BACKLOG, _CPU = 11, 12  # 5.10+: the length of the queues now, and the number of the CPU
_ATTEMPTS = 8


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of all online CPUs: they are the whole host's, in whichever namespace.

    Kernels before 5.10 do not number the lines, which are of the CPUs that are online: these are read before and
    after, lest a line be taken for another CPU's.
    """
    text = _proc.read(host, "softnet_stat")
    if len(text.partition("\n")[0].split()) > _CPU:
        return parse(text)
    for _attempt in range(_ATTEMPTS):
        online = _online(host)
        text = _proc.read(host, "softnet_stat")
        if online == _online(host):
            return parse(text, online)
    raise OSError(EAGAIN, "CPUs came and went during each attempt to read their counters")


def _online(host: Host) -> list[int]:
    """Return the numbers of the CPUs that are online: "0,2-3" (Documentation/admin-guide/cputopology.rst)."""
    text = _proc.read_file(host.sys / "devices/system/cpu/online")
    bounds = [part.partition("-") for part in text.strip().split(",")]
    return [number for first, _, last in bounds for number in range(int(first), int(last or first) + 1)]


def parse(text: str, online: Sequence[int] = ()) -> list[Reading]:
    """Parse /proc/net/softnet_stat: a line per online CPU, each number 32 bit in hexadecimal.

    Raises ValueError where lines without a CPU's number are not as many as the CPUs that are online.
    """
    rows = [[int(value, 16) for value in line.split()] for line in text.splitlines()]
    if all(len(row) > _CPU for row in rows):
        online = [row[_CPU] for row in rows]
    return [reading for cpu, row in zip(online, rows, strict=True) for reading in _readings(cpu, row)]


def _readings(cpu: int, values: list[int]) -> Iterator[Reading]:
    labels = (("cpu", str(cpu)),)
    for column, name in _COUNTERS.items():
        if column < len(values):
            yield Reading(CounterKey("softnet", name, labels=labels), values[column], 32)
    if len(values) > _BACKLOG:
        yield Reading(CounterKey("softnet", "backlog", labels=labels), values[_BACKLOG], 0)
