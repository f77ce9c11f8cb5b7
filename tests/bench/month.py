"""How fast a month is read: 45 million counter changes, 22 million windows and a million packets, or a part of them.

And a year, of which hours are left: in each, all keys and all counters have moved.
"""

# ruff: noqa: S608 - the SQL is put together from numbers of this module.

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from dropwatchd.history.write.open import upgrade
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Instant

Row = tuple[str, str, str]
_DAYS, _YEAR, _KEYS, _COUNTERS = 30, 365, 40, 600
_ROUND_S, _MOVED = 10, 174  # between two readings of the counters, and how many of them have moved
_SAMPLE_MS = 2592           # between two packets
_SPANS = {"1 h": (3600, "0.5 s"), "24 h": (86_400, "1 s"), "30 d": (_DAYS * 86_400, "3 s")}
_SUMS = (
    """SELECT sum(count), sum(bytes), min(first_ns), max(last_ns) FROM drops
       WHERE window_start_ns >= {since} AND window_start_ns < {until} GROUP BY location_id, kind_id, interface_id;
       SELECT sum(delta) FROM counter_changes WHERE until_ns >= {since} AND until_ns < {until} GROUP BY counter_id""")

# An Ethernet, an IPv4 and a UDP header: what is kept of a packet.
_HEADERS = "02" * 12 + "0800" + "4500001c00010000401100000a0000010a000002" + "9c40003500080000"
_STEPS = "WITH RECURSIVE step(at) AS (VALUES ({since}) UNION ALL SELECT at + {by} FROM step WHERE at + {by} < {until})"
_WINDOWS = f"""
    INSERT INTO drops
    SELECT at * {NANO}, {NANO}, 1, key, key, key, 3, 300, at * {NANO} + 5, at * {NANO} + 1000
    FROM (SELECT at, (kinds.id + at) % {_KEYS} + 1 AS key FROM step CROSS JOIN kinds
          WHERE kinds.id <= 8 + at / {{by}} % 2)"""
_CHANGES = f"""
    INSERT INTO counter_changes SELECT at * {NANO}, 1, id, (at - {{by}}) * {NANO}, 7
    FROM (SELECT at, at / {{by}} * 37 % {_COUNTERS - _MOVED} AS first FROM step) CROSS JOIN counters
    WHERE id > first AND id <= first + {_MOVED}"""
_PACKETS = f"""
    INSERT INTO packets
    SELECT NULL, at * 1000000, 1, key, key, key, 42, 9, 1, x'{_HEADERS}', NULL
    FROM (SELECT at, at / {{by}} % {_KEYS} + 1 AS key FROM step)"""

_HOURS = """
    INSERT OR IGNORE INTO hours SELECT what, (at - at % 3600) * 1000000000, NULL, NULL, NULL
    FROM step CROSS JOIN (SELECT 'drops' AS what UNION ALL SELECT 'counter_changes')"""
_LISTED_DAYS = "INSERT OR IGNORE INTO days SELECT what, hour_ns - hour_ns % 86400000000000, NULL, NULL, NULL FROM hours"


_HOUR_S = 3600
_FOLDED_WINDOWS = f"""
    INSERT INTO drops SELECT at * {NANO}, {_HOUR_S * NANO}, 1, id, id, id, 3000, 300000, at * {NANO} + 5,
        (at + {_HOUR_S}) * {NANO} - 1000 FROM step CROSS JOIN kinds"""
_FOLDED_CHANGES = f"""
    INSERT INTO counter_changes SELECT (at + {_HOUR_S}) * {NANO} - 1, 1, id, at * {NANO}, 700
    FROM step CROSS JOIN counters"""


def fill_year(database: Path, now_ns: int) -> None:
    """Write a year as it is kept once all of it is folded into hours."""
    upgrade(database)
    until_s = now_ns // NANO // _HOUR_S * _HOUR_S
    since_s = until_s - _YEAR * 86_400
    with sqlite3.connect(database) as connection:
        _name(connection, since_s * NANO, now_ns)
        steps = _STEPS.format(since=since_s, until=until_s, by=_HOUR_S)
        for rows in (_FOLDED_WINDOWS, _FOLDED_CHANGES, _HOURS):
            connection.execute(steps + rows)
        connection.execute(_LISTED_DAYS)


def fill(database: Path, now_ns: int, part: int = 1) -> None:
    """Write a month in which one second, round of readings and packet in `part` is on record."""
    upgrade(database)
    since_s, until_s = now_ns // NANO - _DAYS * 86_400, now_ns // NANO
    with sqlite3.connect(database) as connection:
        _name(connection, since_s * NANO, now_ns)
        for rows, unit, by in (
                (_WINDOWS, 1, part), (_CHANGES, 1, _ROUND_S * part), (_PACKETS, 1000, _SAMPLE_MS * part)):
            steps = _STEPS.format(since=since_s * unit + by, until=until_s * unit, by=by)
            connection.execute(steps + rows.format(by=by))
        connection.execute(_STEPS.format(since=since_s, until=until_s, by=1800) + _HOURS)
        connection.execute(_LISTED_DAYS)


def _name(connection: sqlite3.Connection, since_ns: int, now_ns: int) -> None:
    """Write what rows refer to, and what vouches for them."""
    connection.execute("INSERT INTO runs VALUES (1,'m','b','bench','6.18','0',?,NULL,NULL)", (since_ns,))
    connection.execute("INSERT INTO namespaces VALUES (1,1,'b',1,4026531840,'init','initial',0,0)")
    connection.executemany("INSERT INTO watches VALUES (NULL,1,?,?,NULL,?,?,0,0,'[]','')", [
        (what, name, since_ns, now_ns)
        for what, name in (("daemon", ""), ("software", "bpf"), ("counters", "link"), ("packets", ""))])
    for number in range(1, _KEYS + 1):
        connection.execute("INSERT INTO locations VALUES (?,?,1,NULL,NULL,?)", (number, f"function_{number}", now_ns))
        connection.execute("INSERT INTO kinds VALUES (?,?,2048,'software',NULL,NULL,?)",
                           (number, f"R_{number}", now_ns))
        connection.execute("INSERT INTO interfaces VALUES (?,'b',1,?,?,NULL,NULL,NULL,0,?)",
                           (number, number, f"eth{number}", now_ns))
    connection.executemany("INSERT INTO counters VALUES (?,'link',?,1,2,'eth2','{}',0,?)",
                           [(number, f"counter_{number}", now_ns) for number in range(1, _COUNTERS + 1)])
    connection.executemany("INSERT INTO counter_starts VALUES (1,?,?,0)",
                           [(number, since_ns) for number in range(1, _COUNTERS + 1)])


def _tidy(database: Path, now_ns: int) -> None:
    """Let the daemon's writer do what it does between two writes, until nothing is left; rows stay fine."""
    writer = Writer(database, Identity("bench", "m", "b", "6.18"))
    writer.start(Instant(now_ns, 0))
    while writer.tidy(RetentionOptions(days=3650, fine_days=3650, packet_days=3650, max_mib=1_048_576),
                      Instant(now_ns, 0)):
        pass
    writer.finish(Instant(now_ns, 0), "stopped")
    with sqlite3.connect(database) as connection:
        rests = connection.execute("""
            SELECT count(*) + (SELECT count(*) FROM days WHERE since_ns IS NULL AND day_ns < :now - 24 * :hour)
            FROM (SELECT window_start_ns AS at_ns FROM drops WHERE window_start_ns < :now
                                  UNION ALL SELECT until_ns FROM counter_changes WHERE until_ns < :now)
            WHERE at_ns - at_ns % :hour NOT IN (SELECT hour_ns FROM hours WHERE since_ns NOTNULL)""",
                                   {"now": (now_ns // _HOUR_S // NANO - 1) * _HOUR_S * NANO, "hour": _HOUR_S * NANO})
        if left := rests.fetchone()[0]:
            raise RuntimeError(f"{left} rows and days that the writer did not sum: what is measured is no history")


# A process begins with the most memory that the one had which started it: this one is small.
_METER = """
import os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_pid, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - started, used.ru_maxrss / 1024)
process.returncode = os.waitstatus_to_exitcode(status)
sys.exit(process.returncode)
"""


def _run(*command: str) -> tuple[float, float]:
    """Return the seconds that a process took, and the most memory that it had, in MiB."""
    meter = subprocess.run([sys.executable, "-SEc", _METER, *command], check=True, capture_output=True, text=True)
    seconds, mib = map(float, meter.stdout.split())
    return seconds, mib


def month(folder: Path, part: int) -> list[Row]:
    """Return the times of reports as whole processes, beside the plain sqlite3 program's for the same sums."""
    database, year, now_ns = folder / "month.db", folder / "year.db", time.time_ns() // NANO * NANO
    fill(database, now_ns, part)
    fill_year(year, now_ns)
    for history in (database, year):
        _tidy(history, now_ns)
    reads = [_read(database, now_ns, span, f"{name} of 1/{part} of a busy month", goal)
             for name, (span, goal) in _SPANS.items()]
    reads.append(_read(year, now_ns, _YEAR * 86_400, "365 d of hours", "3 s"))
    _csv, most = _run(*_dwreport(database), "drops", "--format", "csv", "--since", f"@{now_ns // NANO - 86_400}")
    most = max(most, *(mib for _row, mib in reads))
    return [*(row for row, _mib in reads),
            ("most memory of these, and of 24 h as CSV", f"{most:.0f} MiB", "under 150 MiB")]


def _dwreport(database: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("dwreport")), "--database", str(database)]


def _read(database: Path, now_ns: int, span_s: int, name: str, goal: str) -> tuple[Row, float]:
    """Time one report, and sqlite3's sums over the same time; return its memory as well."""
    until = now_ns // NANO
    report, mib = _run(*_dwreport(database), "--since", f"@{until - span_s}", "--until", f"@{until}")
    plain, _mib = _run("sqlite3", str(database), _SUMS.format(since=(until - span_s) * NANO, until=now_ns))
    return (f"dwreport, {name}", f"{report:.2f} s", f"{goal}; sqlite3 {plain:.2f} s, {report / plain:.2f}"), mib
