"""How fast reports are, against the plain sqlite3 program running the same sum."""

import random
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from dropwatchd.history.write.open import upgrade
from dropwatchd.model import NANO

Row = tuple[str, str, str]
_ROWS, _IN_THE_HOUR, _KEYS = 1_000_000, 50_000, 40
_QUERY = """SELECT sum(d.count), sum(d.bytes), min(d.first_ns), max(d.last_ns), k.reason, l.symbol, i.name
FROM drops d JOIN kinds k ON k.id = d.kind_id JOIN locations l ON l.id = d.location_id
JOIN interfaces i ON i.id = d.interface_id JOIN runs r ON r.id = d.run_id
WHERE d.window_start_ns >= {since} AND d.window_start_ns < {until} GROUP BY d.location_id, d.kind_id, d.interface_id"""


def _fill(database: Path, now_ns: int) -> None:
    upgrade(database)
    chance = random.Random(1)
    hour_ns = 3600 * NANO
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO runs VALUES (1,'m','b','bench','6.18','0',?,NULL,NULL)", (now_ns - 100 * hour_ns,))
        connection.execute("INSERT INTO namespaces VALUES (1,1,'b',1,4026531840,'init','initial',0,0)")
        connection.executemany(
            "INSERT INTO watches VALUES (NULL,1,?,?,NULL,?,?,0,0,'[]','')",
            [(what, name, now_ns - 100 * hour_ns, now_ns) for what, name in (("daemon", ""), ("software", "bpf"))])
        for number in range(1, _KEYS + 1):
            connection.execute("INSERT INTO locations VALUES (?,?,1,NULL,NULL,0)", (number, f"function_{number}"))
            connection.execute(
                "INSERT INTO kinds VALUES (?,?,2048,'software',NULL,NULL,0)", (number, f"REASON_{number}"))
            connection.execute(
                "INSERT INTO interfaces VALUES (?,'b',1,?,?,NULL,NULL,NULL,0,0)", (number, number, f"eth{number}")
            )

        def rows() -> list[tuple[int, ...]]:
            made: dict[tuple[int, int], tuple[int, ...]] = {}
            while len(made) < _ROWS:
                age = (
                    chance.randrange(1, hour_ns)
                    if len(made) < _IN_THE_HOUR
                    else chance.randrange(hour_ns, 99 * hour_ns)
                )
                start = (now_ns - age) // NANO * NANO
                key = chance.randrange(1, _KEYS + 1)
                made[start, key] = (start, NANO, 1, key, key, key, 3, 300, start, start + 5)
            return list(made.values())

        connection.executemany("INSERT INTO drops VALUES (?,?,?,?,?,?,?,?,?,?)", rows())


def _milliseconds(*command: str, runs: int = 7) -> float:
    """Return the median wall time of a whole process, after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:])


def reports(folder: Path) -> list[Row]:
    """Return the times of the two commands that people wait for."""
    database, now_ns = folder / "report.db", time.time_ns() // NANO * NANO
    _fill(database, now_ns)
    dwreport = str(Path(sys.executable).with_name("dwreport"))
    window = ("--since", f"@{now_ns // NANO - 3600}", "--until", f"@{now_ns // NANO}")
    report = _milliseconds(dwreport, "--database", str(database), *window)
    query = _QUERY.format(since=now_ns - 3600 * NANO, until=now_ns)
    plain = _milliseconds("sqlite3", str(database), query)
    return [
        ("dwreport --version", f"{_milliseconds(dwreport, '--version'):.0f} ms", "under 80 ms"),
        (f"dwreport, {_IN_THE_HOUR:,} of {_ROWS:,} rows in the window", f"{report:.0f} ms", "under 500 ms"),
        ("the same sum by the sqlite3 program", f"{plain:.0f} ms", f"ratio {report / plain:.1f}"),
    ]
