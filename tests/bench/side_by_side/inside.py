"""One program that sees drops while a known number is provoked: `python -m ... NAME COUNT RATE`, in a guest, as root.

NAME is of PEERS, or "none"; RATE is in drops a second, or 0. Prints the measurement as JSON.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.side_by_side.peers import PEERS, Peer, tail_dropped

_SENDER = Path(__file__).parents[1] / "sender.py"
_TICKS = os.sysconf("SC_CLK_TCK")
_ATTACH_S = 8.0  # dropwatch says nothing until its buffer is full, dwdump and perf never do
_POLL_S = 0.5
_QUIET = 0.05  # of a core: what a program may use that has nothing left to do


def main(name: str, count: int, rate: int) -> dict[str, Any]:
    """Return what the program recorded and lost; the sender's seconds, CPU seconds of the program and of all, bytes."""
    if name == "none":
        return _provoke(count, rate, os.getpid())
    peer = PEERS[name]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        folder = Path(place)
        (folder / "config.toml").write_text(peer.config)
        (folder / "tail_dropped").write_text(str(tail_dropped()))
        made = set(folder.iterdir())
        with ExitStack() as stack:
            running = _start(peer, folder, stack)
            before = _await_quiet(running.pid)
            measured = _provoke(count, rate, running.pid)
            running.send_signal(signal.SIGINT)
            _pid, _status, usage = os.wait4(running.pid, 0)
            running.returncode = 0
        return {
            **measured,
            "recorded": peer.recorded(folder), "lost": peer.lost(folder),
            "cpu": usage.ru_utime + usage.ru_stime - before,
            "disk": sum(path.stat().st_size for path in set(folder.iterdir()) - made if path.name != "stderr"),
        }


def _start(peer: Peer, folder: Path, stack: ExitStack) -> subprocess.Popen[str]:
    streams = [stack.enter_context((folder / name).open("w")) for name in ("stdout", "stderr")]
    running = subprocess.Popen(shlex.split(peer.command.format(folder)), stdin=subprocess.PIPE, stdout=streams[0],
                               stderr=streams[1], text=True)
    assert running.stdin is not None
    running.stdin.write(peer.typed)
    running.stdin.close()
    while peer.ready and peer.ready not in (folder / "stdout").read_text() + (folder / "stderr").read_text():
        if running.poll() is not None:
            raise RuntimeError(f"{peer.title} ended: {(folder / 'stderr').read_text()}")
        time.sleep(_POLL_S)
    time.sleep(0 if peer.ready else _ATTACH_S)
    return running


def _provoke(count: int, rate: int, pid: int) -> dict[str, Any]:
    """Send, and wait until a process has dealt with it."""
    before = _busy_seconds()
    done = subprocess.run([sys.executable, str(_SENDER), str(count), "9", str(rate)], check=True, capture_output=True,
                          text=True)
    _await_quiet(pid)
    return {"seconds": float(done.stdout), "busy": _busy_seconds() - before}


def _await_quiet(pid: int) -> float:
    """Wait until a process has nothing left to do, and return the CPU seconds that it has used."""
    used = _cpu_seconds(pid)
    while True:
        time.sleep(1)
        before, used = used, _cpu_seconds(pid)
        if used - before <= _QUIET:
            return used


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _busy_seconds() -> float:
    """Return what all CPUs together have worked since the start (proc_stat(5)): not the fields idle and iowait."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
