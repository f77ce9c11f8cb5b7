"""What recording costs: exactness at full speed, the sender's time, the daemon's own CPU and memory."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.recorder import recording, settle

Row = tuple[str, str, str]
_SENDER = Path(__file__).with_name("sender.py")
_SECOND = 1.0


def _send(count: int, senders: int = 1) -> float:
    """Send from several processes at once; return the longest one's seconds."""
    command = [sys.executable, str(_SENDER), str(count // senders)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(senders)]
    return max(float(process.communicate()[0]) for process in running)


def exactness(folder: Path, count: int) -> list[Row]:
    """Provoke a known number of drops as fast as can be; what is recorded must be that number."""
    rows = []
    for senders in sorted({1, os.cpu_count() or 1}):
        with recording(folder / f"exact-{senders}.db") as recorder:
            cpu, before = recorder.cpu_seconds(), recorder.resident_mib()
            seconds = _send(count, senders)
            cpu, after = recorder.cpu_seconds() - cpu, recorder.resident_mib()
            recorder.stop()
            recorded = recorder.drops("NO_SOCKET")
            sent = count // senders * senders
            verdict = "exact" if recorded == sent and not recorder.lost() else f"NOT EXACT {recorder.lost()}"
        rows += [
            (f"drops recorded of {sent:,} provoked, {senders} sender(s)", f"{recorded:,}", verdict),
            (f"drops per second, {senders} sender(s)", f"{sent / seconds:,.0f}", ""),
            (f"daemon's CPU at that rate, {senders} sender(s)", f"{100 * cpu / seconds:.2f} % of a core", "under 2 %"),
            ("resident memory before and after", f"{before:.1f} -> {after:.1f} MiB", "48 MiB or less, flat"),
        ]
    return rows


def cost(folder: Path, count: int, pairs: int) -> list[Row]:
    """Return the sender's time per drop with the daemon against without, in alternating pairs."""
    ratios, plain = [], []
    for number in range(pairs):
        without = _send(count)
        with recording(folder / f"cost-{number}.db"):
            ratios.append(_send(count) / without)
        plain.append(without)
    base = statistics.median(plain) / count * 1e6
    return [
        ("sender's time per drop, without", f"{base:.2f} us", f"median of {pairs}"),
        (
            "sender's time with the daemon / without",
            f"{statistics.median(ratios):.3f}",
            f"1.10 or less; {min(ratios):.3f} to {max(ratios):.3f} in {pairs} pairs",
        ),
    ]


def idle(folder: Path, seconds: float) -> list[Row]:
    """Return what the daemon uses while nothing drops."""
    with recording(folder / "idle.db") as recorder:
        settle(_SECOND)
        start = recorder.resident_mib()
        cpu = recorder.cpu_seconds()
        settle(seconds)
        used = (recorder.cpu_seconds() - cpu) / seconds
        return [
            ("daemon's CPU when idle", f"{100 * used:.2f} % of a core", f"0.1 %; over {seconds:.0f} s"),
            (
                "resident memory after start, and then",
                f"{start:.1f} -> {recorder.resident_mib():.1f} MiB",
                "48 MiB or less",
            ),
        ]
