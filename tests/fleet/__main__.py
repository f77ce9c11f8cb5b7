"""Ten hosts in a PostgreSQL of their own, what dwreport says of them; then the same on three servers, and faults."""

import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from dropwatchd.history.write.open import upgrade
from tests.fleet import faults, shards
from tests.fleet.life import COUNTERS, KEY, KEYS, Life
from tests.fleet.server import Server

_HOURS_AGO = 3000  # seconds that they were recorded before now
_REPORTS: tuple[tuple[str, ...], ...] = (
    ("hosts",), (), ("--by", "host,reason"), ("--host", "web-3"), ("coverage", "--host", "db-*"))


def main() -> None:
    """Show what a person would type, and what comes of it; then see that several servers say the same."""
    with tempfile.TemporaryDirectory(prefix="dropwatchd-fleet-") as folder, Server() as server:
        url = server.url()
        _show("dropwatchd-upload", "--to", url, "--setup")
        histories = _histories(Path(folder))
        for path in histories:
            _show("dropwatchd-upload", "--to", url, "--database", str(path), "--once")
        for words in _REPORTS:
            _show("dwreport", "--database", url, *words)
        now = int(time.time())
        shards.check(url, histories, ("--since", f"@{now - 3600}", "--until", f"@{now - 60}"), _show)
        print("three servers with a part of the hosts each say the same, and which hosts are missing when one is down")
    for line in faults.check():
        print(line, flush=True)


def _histories(folder: Path) -> list[Path]:
    """Make histories with the daemon's own writer: on most hosts a server reads its socket too slowly."""
    empty, chance, made = folder / "empty.db", Random(1), []
    upgrade(empty)
    for name in (*(f"web-{number}" for number in range(1, 8)), "db-1", "db-2", "db-3"):
        path = folder / f"{name}.db"
        path.write_bytes(empty.read_bytes())
        life = Life(path, name, int(time.time()) - _HOURS_AGO)
        for minute in range(_HOURS_AGO // 60 if name != "db-3" else 20):
            lost = chance.randint(20, 90) if name.startswith("web") and minute > 5 + int(name[-1]) else 0
            life.go_on(60, {KEY: lost} if lost else {KEYS[1]: chance.randint(1, 3)},
                       {COUNTERS[0]: lost} if lost else {COUNTERS[1]: 2})
        life.close()
        made.append(path)
    return made


def _show(program: str, *words: str) -> None:
    print(f"$ {shlex.join([program, *words])}", flush=True)
    subprocess.run([Path(sys.executable).parent / program, *words], check=True)
    print(flush=True)


if __name__ == "__main__":
    main()
