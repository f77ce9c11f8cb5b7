"""Measures everything and prints one table: what, measured, and what it is held against."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from tests.bench.alerts import alerts
from tests.bench.daemon import Row, cost, exactness, idle
from tests.bench.imports import imports
from tests.bench.month import month
from tests.bench.report import reports
from tests.bench.snapshots import snapshots
from tests.bench.writing import writing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--drops", type=int, default=2_000_000, help="provoked for exactness (default: 2,000,000)")
    parser.add_argument("--pairs", type=int, default=7, help="of runs with and without the daemon (default: 7)")
    parser.add_argument("--idle", type=float, default=60, help="seconds of doing nothing (default: 60)")
    parser.add_argument("--month", type=int, default=10, metavar="PART",
                        help="read 1/PART of a busy month; 1 takes 3 GB and ten minutes (default: 10)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], list[Row]]] = {
            "reports": lambda: reports(folder),
            "month": lambda: month(folder, given.month),
            "writing": lambda: writing(folder),
            "imports": imports,
            "alerts": alerts,
            "snapshots": snapshots,
            "idle": lambda: idle(folder, given.idle),
            "cost": lambda: cost(folder, given.drops // 4, given.pairs),
            "exactness": lambda: exactness(folder, given.drops),
        }
        rows: list[Row] = []
        for part, measure in parts.items():
            print(f"measuring {part} ...", file=sys.stderr, flush=True)
            rows += measure()
    print(tabulate(rows, ["what", "measured", "held against"], tablefmt="github"))


if __name__ == "__main__":
    main()
