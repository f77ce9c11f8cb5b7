"""A small recorder that a service manager keeps descriptors for: `python recorder.py HISTORY`, until it is killed."""

import select
import sqlite3
import sys
import time

from dropwatchd.fdstore import FdStore
from dropwatchd.model import Drop, Gap
from dropwatchd.sources.bpf import BpfOptions, BpfSource
from dropwatchd.sources.bpf.keeper import Keeper

WINDOW_NS = 5_000_000  # short, so that kills meet every step


def main(path: str) -> None:
    history = sqlite3.connect(path, isolation_level=None)
    history.execute("CREATE TABLE IF NOT EXISTS drops (netns, reason, count, first_ns, last_ns)")
    history.execute("CREATE TABLE IF NOT EXISTS gaps (cause, effect, lost)")
    history.execute("CREATE TABLE IF NOT EXISTS written (token INTEGER PRIMARY KEY, number)")

    def written(token: int) -> int:
        row = history.execute("SELECT number FROM written WHERE token = ?", (token,)).fetchone()
        return row[0] if row else 0

    store = FdStore()
    source = BpfSource(BpfOptions(sample_bytes=0), WINDOW_NS, keeper=Keeper(store, path, written))
    source.open()
    store.discard_rest()
    checkpoint = source.checkpoint
    assert checkpoint
    number = written(checkpoint.token)
    while True:
        deadline = source.deadline()
        select.select([source], [], [], None if deadline is None else max(0.0, deadline - time.monotonic()))
        records = list(source.read())
        if not records:
            continue
        number += 1
        checkpoint.prepare(number, source.snapshot())
        history.execute("BEGIN")
        history.executemany("INSERT INTO drops VALUES (?, ?, ?, ?, ?)", [
            (r.key.interface.netns_inode, r.key.kind.reason, r.count, r.first_ns, r.last_ns)
            for r in records if isinstance(r, Drop)])
        history.executemany("INSERT INTO gaps VALUES (?, ?, ?)",
                            [(r.cause, r.effect, r.lost) for r in records if isinstance(r, Gap)])
        history.execute("INSERT OR REPLACE INTO written VALUES (?, ?)", (checkpoint.token, number))
        history.execute("COMMIT")


main(sys.argv[1])
