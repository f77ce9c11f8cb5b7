"""A small recorder that a service manager keeps descriptors for: `python recorder.py HISTORY`, until it is killed."""

import select
import sqlite3
import sys
import time

from dropwatchd.fdstore import FdStore
from dropwatchd.kernel.clock import boot_ns
from dropwatchd.model import Drop, Gap, Instant, Record, Written
from dropwatchd.sources.bpf import BpfOptions, BpfSource
from dropwatchd.sources.bpf.keeper import Keeper

WINDOW_NS = 5_000_000  # short, so that kills meet every step


def main(path: str) -> None:
    history = sqlite3.connect(path, isolation_level=None)
    history.execute("CREATE TABLE IF NOT EXISTS drops (netns, reason, count, first_ns, last_ns)")
    history.execute("CREATE TABLE IF NOT EXISTS gaps (cause, effect, lost)")
    history.execute("CREATE TABLE IF NOT EXISTS written (token INTEGER PRIMARY KEY, number, boot_ns)")

    def written(token: int) -> Written | None:
        row = history.execute("SELECT number, boot_ns FROM written WHERE token = ?", (token,)).fetchone()
        return Written(row[0], Instant(0, row[1])) if row else None

    def write(records: list[Record]) -> None:
        mark = source.mark()
        assert mark
        last = written(mark.token)
        number = last.number + 1 if last else 1
        mark.prepare(number)
        history.execute("BEGIN")
        history.executemany("INSERT INTO drops VALUES (?, ?, ?, ?, ?)", [
            (r.key.interface.netns_inode, r.key.kind.reason, r.count, r.first_ns, r.last_ns)
            for r in records if isinstance(r, Drop)])
        history.executemany("INSERT INTO gaps VALUES (?, ?, ?)",
                            [(r.cause, r.effect, r.lost) for r in records if isinstance(r, Gap)])
        history.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", (mark.token, number, boot_ns()))
        history.execute("COMMIT")

    store = FdStore()
    source = BpfSource(BpfOptions(sample_bytes=0), WINDOW_NS, keeper=Keeper(store, path, written))
    source.open()
    store.settle()
    write([*source.resumed.records] if source.resumed else [])
    while True:
        deadline = source.deadline()
        select.select([source], [], [], None if deadline is None else max(0.0, deadline - time.monotonic()))
        if records := list(source.read()):
            write(records)


main(sys.argv[1])
