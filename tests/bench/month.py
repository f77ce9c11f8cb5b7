"""How fast a month is read: a tenth of a believable one, written in the product's own schema."""

import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dropwatchd.history.open import upgrade
from dropwatchd.model import NANO

Row = tuple[str, str, str]
_DAYS, _FINE_DAYS, _KEYS, _COUNTERS = 30, 3, 40, 600
_ROUND_NS, _MINUTE_NS = 100 * NANO, 60 * NANO  # a tenth of the rounds that there would be
_FINE, _FOLDED, _MOVED = 0.6, 3, 200           # windows a second, and a minute; counters that moved in a round
_SPANS = {"1 h": 3600, "24 h": 86_400, "30 d": _DAYS * 86_400}
_SUMS = (
    """SELECT sum(count), sum(bytes), min(first_ns), max(last_ns) FROM drops
       WHERE window_start_ns >= {since} AND window_start_ns < {until} GROUP BY location_id, kind_id, interface_id;
       SELECT sum(delta) FROM counter_changes WHERE until_ns >= {since} AND until_ns < {until} GROUP BY counter_id""")


def _fill(database: Path, now_ns: int) -> None:
    upgrade(database)
    since_ns, chance = now_ns - _DAYS * 86_400 * NANO, random.Random(1)
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO runs VALUES (1,'m','b','bench','6.18','0',?,NULL,NULL)", (since_ns,))
        connection.execute("INSERT INTO namespaces VALUES (1,1,'b',1,4026531840,'init','initial',0,0)")
        connection.executemany("INSERT INTO watches VALUES (NULL,1,?,?,NULL,?,?,0,0,'[]','')", [
            (what, name, since_ns, now_ns)
            for what, name in (("daemon", ""), ("software", "bpf"), ("counters", "link"), ("packets", ""))])
        for number in range(1, _KEYS + 1):
            connection.execute("INSERT INTO locations VALUES (?,?,1,NULL,NULL,0)", (number, f"function_{number}"))
            connection.execute("INSERT INTO kinds VALUES (?,?,2048,'software',NULL,NULL,0)", (number, f"R_{number}"))
            connection.execute("INSERT INTO interfaces VALUES (?,'b',1,?,?,NULL,NULL,NULL,0,0)",
                               (number, number, f"eth{number}"))
        connection.executemany("INSERT INTO counters VALUES (?,'link',?,1,2,'eth2','{}',0,0)",
                               [(number, f"counter_{number}") for number in range(1, _COUNTERS + 1)])
        connection.executemany("INSERT INTO counter_starts VALUES (1,?,?,0)",
                               [(number, since_ns) for number in range(1, _COUNTERS + 1)])
        connection.executemany("INSERT INTO drops VALUES (?,?,1,?,?,?,?,?,?,?)", _windows(since_ns, now_ns, chance))
        connection.executemany("INSERT INTO counter_changes VALUES (?,1,?,?,?)", _changes(since_ns, now_ns, chance))


def _windows(since_ns: int, now_ns: int, chance: random.Random) -> Iterator[tuple[int, ...]]:
    """Yield windows as retention leaves them: minutes, and seconds at the end."""
    fine_ns = now_ns - _FINE_DAYS * 86_400 * NANO
    for start_ns in range(since_ns - since_ns % _MINUTE_NS, fine_ns, _MINUTE_NS):
        for key in sorted(chance.sample(range(1, _KEYS + 1), _FOLDED)):
            yield start_ns, _MINUTE_NS, key, key, key, 90, 9000, start_ns + NANO, start_ns + 50 * NANO
    for start_ns in range(fine_ns, now_ns, NANO):
        if chance.random() < _FINE:
            key = chance.randrange(1, _KEYS + 1)
            yield start_ns, NANO, key, key, key, 3, 300, start_ns + 5, start_ns + 1000


def _changes(since_ns: int, now_ns: int, chance: random.Random) -> Iterator[tuple[int, ...]]:
    for until_ns in range(since_ns + _ROUND_NS, now_ns, _ROUND_NS):
        first = chance.randrange(1, _COUNTERS - _MOVED)
        yield from ((until_ns, counter, until_ns - _ROUND_NS, 7) for counter in range(first, first + _MOVED))


def _seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def month(folder: Path) -> list[Row]:
    """Return the times of reports as whole processes, beside the plain sqlite3 program's for the same sums."""
    database, now_ns = folder / "month.db", time.time_ns() // NANO * NANO
    _fill(database, now_ns)
    dwreport = [str(Path(sys.executable).with_name("dwreport")), "--database", str(database)]
    rows: list[Row] = []
    for name, span in _SPANS.items():
        since = now_ns // NANO - span
        report = _seconds(*dwreport, "--since", f"@{since}", "--until", f"@{now_ns // NANO}")
        plain = _seconds("sqlite3", str(database), _SUMS.format(since=since * NANO, until=now_ns))
        rows.append((f"dwreport, {name} of a month", f"{report:.2f} s", f"sqlite3 {plain:.2f} s, {report / plain:.1f}"))
    _seconds(*dwreport, "drops", "--format", "csv", "--since", f"@{now_ns // NANO - 86_400}")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [*rows, ("most memory of these, and of 24 h as CSV", f"{most:.0f} MiB", "under 150 MiB")]
