"""The systemd service in a guest, put in place as `make install` does, and what it has recorded there."""

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.vm.guest import Guest

DEADLINE_S = 600
"""For a condition to come true: an emulated start takes 10 s on an idle machine, minutes on a crowded one."""
POLL_S = 0.5
SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
CONFIG = "/etc/dropwatchd/config.toml"
DATABASE = "/var/lib/dropwatchd/history.db"
DROP_INS = "/etc/systemd/system/dropwatchd.service.d"
INSTALLED = {
    "dropwatchd.service": "/usr/local/lib/systemd/system/dropwatchd.service",
    "sysusers.conf": "/usr/local/lib/sysusers.d/dropwatchd.conf",
    "config.toml": CONFIG,
}
SLOW = "[Service]\nTimeoutStartSec=10min\nTimeoutStopSec=5min\n"


class Service:
    """The unit dropwatchd.service."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def install(self) -> None:
        """Put unit, user and configuration in place."""
        for source, target in INSTALLED.items():
            self.write(target, (SYSTEMD / source).read_text().replace("/usr/bin/", "/usr/local/bin/"))
        self.write(f"{DROP_INS}/slow.conf", SLOW)
        self.run("systemd-sysusers; systemctl daemon-reload")

    def uninstall(self) -> None:
        """Stop it, and remove it with all that it recorded."""
        self.run(f"systemctl stop dropwatchd; rm -f {' '.join(INSTALLED.values())}; userdel dropwatchd;"
                 f"rm -rf {DROP_INS} /etc/dropwatchd /var/lib/dropwatchd;"
                 "systemctl daemon-reload; systemctl reset-failed")

    def run(self, command: str) -> str:
        """Return what a command prints that must succeed."""
        return self.guest.run(command, DEADLINE_S).stdout

    def write(self, path: str, text: str) -> None:
        name = shlex.quote(path)
        self.guest.run(f"mkdir -p $(dirname {name}) && cat > {name}", stdin=text.encode())

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; looking takes processor time in the guest, which the daemon wants too."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, self.run("systemctl --no-pager status dropwatchd || true")
            time.sleep(POLL_S)

    def show(self, name: str) -> str:
        """Return a property of the unit."""
        return self.run(f"systemctl show --value --property={name} dropwatchd").strip()

    def came_back(self, pid: str) -> bool:
        """Say whether systemd has brought back the daemon whose process was `pid`."""
        # Both properties at one moment: between two looks the watchdog may strike, and a start begin.
        found = set(self.run("systemctl show --property=ActiveState,MainPID dropwatchd").split())
        return "ActiveState=active" in found and f"MainPID={pid}" not in found

    def rights(self) -> int:
        """Return the capabilities of the daemon: all its sets are one and the same."""
        status = self.run(f"cat /proc/{self.show('MainPID')}/status")
        found = re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\t(\w+)$", status, re.MULTILINE)
        assert len(found) == 5
        (rights,) = {int(digits, 16) for digits in found}
        return rights

    @contextmanager
    def drop_in(self, name: str, text: str) -> Iterator[None]:
        """Have a drop-in; it is for the caller to restart the unit where that matters."""
        path = f"{DROP_INS}/{name}"
        self.write(path, text)
        try:
            self.run("systemctl daemon-reload")
            yield
        finally:
            self.run(f"rm {path}; systemctl daemon-reload")

    @contextmanager
    def config(self, key: str, value: object) -> Iterator[None]:
        """Have another value in the configuration, which the daemon has yet to read."""
        edit = shlex.quote(f"s/^{key} = .*/{key} = {json.dumps(value)}/")
        self.run(f"sed --in-place=.kept {edit} {CONFIG}")
        try:
            yield
        finally:
            self.run(f"mv {CONFIG}.kept {CONFIG}")

    def journal(self, *options: str) -> list[dict[str, Any]]:
        """Return the unit's entries in the journal."""
        lines = self.run(f"journalctl -o json -u dropwatchd {' '.join(options)}").splitlines()
        return [json.loads(line) for line in lines]

    def says(self, text: str) -> bool:
        """Say whether a message in the journal begins so."""
        return any(str(entry["MESSAGE"]).startswith(text) for entry in self.journal())

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows that the sqlite3 program finds in the history, without a right to change it."""
        found = self.run(f"sqlite3 -readonly -json {DATABASE} {shlex.quote(sql)}")
        rows: list[dict[str, Any]] = json.loads(found or "[]")
        return rows

    def endings(self) -> list[str | None]:
        """Return how each run ended, the oldest first; None: it goes on."""
        return [row["ending"] for row in self.query("SELECT ending FROM runs ORDER BY id")]

    def watched(self) -> set[tuple[str, str]]:
        """Return what the newest run has watched for drops, and by which source."""
        rows = self.query("SELECT what, name FROM watches WHERE what IN ('software', 'hardware')"
                          " AND run_id = (SELECT max(id) FROM runs)")
        return {(row["what"], row["name"]) for row in rows}

    def downtimes(self) -> list[str]:
        """Return what the ledger says of the times between runs, the oldest first."""
        return [row["detail"] for row in self.query("SELECT detail FROM gaps WHERE cause = 'daemon down' ORDER BY id")]

    def drops(self) -> int:
        """Return how many drops of the sort that drop() makes are in the history."""
        (row,) = self.query("SELECT coalesce(sum(count), 0) AS drops FROM v_drops WHERE reason = 'NO_SOCKET'")
        return int(row["drops"])

    def drop(self, count: int, port: int = 9) -> None:
        """Send datagrams to a port of the loopback interface; nobody listens at the one that is the default."""
        self.run(f"bash -c 'for ((i = 0; i < {count}; i++)); do echo > /dev/udp/127.0.0.1/{port}; done'")

    @contextmanager
    def load(self) -> Iterator[Callable[[], int]]:
        """Have drops of that sort all the time; yield what says how many the kernel has counted since the begin."""
        def counted() -> int:
            return int(self.run("awk '/^Udp:/ { found = $3 } END { print found }' /proc/net/snmp"))

        program = ("import socket, time; sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                   "while True:\n    for _ in range(50): sender.sendto(b'load', ('127.0.0.1', 9))\n"
                   "    time.sleep(0.05)")
        before = counted()
        self.run(f"systemd-run --quiet --unit=load python3 -c {shlex.quote(program)}")
        try:
            yield lambda: counted() - before
        finally:
            self.run("systemctl stop load")

    def record(self, count: int) -> int:
        """Cause drops, wait until they are in the history, and return how many that has now."""
        total = self.drops() + count
        self.drop(count)
        self.until(lambda: self.drops() >= total)
        assert self.drops() == total
        return total

    def assert_history_is_sound(self) -> None:
        """Check what a daemon left that could not close it: SQLite's own check, and a report."""
        assert self.run(f"sqlite3 -readonly {DATABASE} 'PRAGMA integrity_check'") == "ok\n"
        self.run("dwreport --format json")
