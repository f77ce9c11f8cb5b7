"""How many windows the writer writes in a second, by how many keys a second has, and what one takes on the disk."""

import sqlite3
import time
from itertools import islice, product
from pathlib import Path

from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.open import upgrade
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Drop, DropKey, Instant, Interface, Kind, Location, Watch, Watching, Window

Row = tuple[str, str, str]
_WINDOWS, _KEYS, _DROPS = 163_840, (8192, 40), 3
_SINCE_S = 1_700_000_000 // 86_400 * 86_400  # a day's begin
_ALL_KEPT = RetentionOptions(days=36_500, fine_days=36_500, packet_days=36_500, max_mib=1_048_576)
_COUNTS = """
    SELECT (SELECT count(*) FROM drops), (SELECT sum(count) FROM drops), (SELECT sum(count) FROM drop_days),
           (SELECT sum(count) FROM totals), (SELECT sum(pgsize) FROM dbstat WHERE name = 'drops')"""


def _at(second: int) -> Instant:
    return Instant(second * NANO, second * NANO)


def _keys(count: int) -> list[DropKey]:
    """Return reasons at places on devices, the last first: rows that are in order already would flatter."""
    told = product(range(32), range(16), range(16))
    return [DropKey(Location(f"function_{place}", 0x12), Kind(f"REASON_{reason}", 0x0800),
                    Interface(1, device + 2, f"eth{device}", "init", 4026531840, "initial"))
            for reason, place, device in islice(told, count)][::-1]


def _batches(count: int) -> list[Batch]:
    """Return what the buffer gives: in each second each key once, and what vouches for them."""
    keys, watching = _keys(count), Watching("software", "bpf", None)
    return [Batch(windows=[Window(second * NANO, NANO, Drop(key, _DROPS, 300, second * NANO + 5, second * NANO + 900))
                           for key in keys],
                  watches=[Watch(watching, _at(_SINCE_S), _at(second + 1))])
            for second in range(_SINCE_S, _SINCE_S + _WINDOWS // count)]


def _write(database: Path, batches: list[Batch]) -> float:
    """Return the CPU seconds of writing, and of summing the hours and days; the disk is that of all who use it."""
    upgrade(database)
    writer = Writer(database, Identity("bench", "m", "b", "6.18"))
    writer.start(_at(_SINCE_S))
    begun, now = time.process_time(), _at(_SINCE_S + 2 * 86_400)
    for batch in batches:
        writer.write(batch)
    while writer.tidy(_ALL_KEPT, now):
        pass
    spent = time.process_time() - begun
    writer.finish(now, "stopped")
    return spent


def writing(folder: Path) -> list[Row]:
    rows = []
    for keys in _KEYS:
        database = folder / f"writing-{keys}.db"
        spent = _write(database, _batches(keys))
        with sqlite3.connect(database) as connection:
            windows, *counts, size = connection.execute(_COUNTS).fetchone()
        if windows != _WINDOWS or counts != [_WINDOWS * _DROPS] * 3:
            raise RuntimeError(f"{windows} windows of {counts} drops: what is measured is no history")
        rows += [(f"windows written in a second of CPU, {keys:,} keys in each second", f"{_WINDOWS / spent:,.0f}",
                  "150,000; their hours and days included"),
                 (f"a window in the history, {keys:,} keys", f"{size / windows:.1f} bytes", "40 bytes")]
    return rows
