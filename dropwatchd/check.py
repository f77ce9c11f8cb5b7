"""`dropwatchd --check`: what would be recorded on this host, why the rest would not, and what it cannot show."""

import os
from pathlib import Path

from tabulate import tabulate

from dropwatchd.collectors import AbsentError, collectors, unseen
from dropwatchd.config import Config
from dropwatchd.history.errors import HistoryError
from dropwatchd.history.paths import default_database
from dropwatchd.history.write.lock import holder, resolved
from dropwatchd.history.write.open import revision
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.choose import candidates

_Row = tuple[str, str, str, str]
# What a level of the collector "unseen" stands for, and what would show it; dwreport coverage tells more.
_UNSEEN = {
    "capture": "what this capture loses cannot be read; it takes CAP_BPF and CAP_PERFMON, or ask the program itself",
    "capture_statistics": "what this capture loses is counted as a least on this kernel; the program itself tells all",
    "af_xdp": "this kernel does not tell what AF_XDP sockets lose (CONFIG_XDP_SOCKETS_DIAG); the program itself does",
    "offload": "flows may be handled in hardware: tc -s filter show dev {interface} ingress",
    "driver": "the driver counts no losses of its own: the switch's port at the other end does",
    "host_below": "a virtual machine: what the host below drops is seen there alone",
    "past_the_kernel": "a program drives this card past the kernel (vfio, uio): only that program can tell",
    "rdma": "an RDMA port without hardware counters: pause and PFC counters of its Ethernet device, ethtool -S",
}


def check(config: Config) -> int:
    """Print a table; return 0 when something can record, else 1."""
    rows = [*_sources(config), *_collectors(config), *_unseen(config), _database(config)]
    print(tabulate(rows, ["what", "name", "works", "why not, or what it sees"], tablefmt="simple"))  # noqa: T201
    able = {what for what, _, works, _ in rows if works == "yes"}
    return 0 if "database" in able and len(able) > 1 else 1


def _sources(config: Config) -> list[_Row]:
    rows = []
    for source in candidates(config):
        try:
            source.open()
        except UnavailableError as error:
            rows.append(("source", source.name, "no", str(error)))
        else:
            source.close()
            rows.append(("source", source.name, "yes", source.scope + " drops"))
    return rows


def _collectors(config: Config) -> list[_Row]:
    rows = []
    for name, collect in collectors(config.counters.unread).items():
        try:
            found = len(list(collect(Host())))
        except AbsentError as error:
            rows.append(("collector", name, "absent", str(error)))
        except Exception as error:  # noqa: BLE001 - each collector is on trial
            rows.append(("collector", name, "no", f"{type(error).__name__}: {error}"))
        else:
            rows.append(("collector", name, "yes", f"{found} counters"))
    return rows


def _unseen(config: Config) -> list[_Row]:
    """List what is here in which packets are lost unseen, and what would show it."""
    if unseen.NAME in config.counters.disabled:
        return []
    try:
        found = [reading.key for reading in unseen.collect(Host()) if reading.value]
    except Exception as error:  # noqa: BLE001 - as above
        return [("unseen", "?", "no", f"{type(error).__name__}: {error}")]
    return [("not seen", key.name, "no", f"{_thing(key)}: {_UNSEEN[key.name].format(interface=key.interface)}")
            for key in found]


def _thing(key: CounterKey) -> str:
    labels = dict(key.labels)
    if process := labels.get("process"):
        return f"{process}[{labels.get('pid')}]"
    return key.interface or " ".join(f"{name} {value}" for name, value in key.labels) or "some"


def _database(config: Config) -> _Row:
    """Look without leaving a trace, and beside a daemon that records."""
    path = Path(config.database) if config.database else default_database()
    try:
        process = holder(path)
        if process:
            return ("database", str(path), "yes", f"process {process} records into it")
        found = revision(path)
        _check_place(resolved(path))
    except (HistoryError, OSError) as error:
        return ("database", str(path), "no", str(error))
    return ("database", str(path), "yes", f"schema {found}" if found else "new")


def _check_place(path: Path) -> None:
    """Raise HistoryError where the file, or the nearest folder that is there, cannot be written."""
    folder = next(parent for parent in path.parents if parent.exists())
    for place in (path, folder) if path.exists() else (folder,):
        if not os.access(place, os.W_OK, effective_ids=True):
            raise HistoryError(f"no right to write {place}; choose another place with --database")
    space = os.statvfs(folder)
    if space.f_blocks and not space.f_bavail:
        raise HistoryError(f"the disk is full, {folder}; make room, or choose another place with --database")
