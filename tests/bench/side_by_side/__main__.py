"""Shows the same drops to every program that can see them, in a guest, and prints what each made of them."""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from tabulate import tabulate

from tests.bench.side_by_side.peers import PEERS
from tests.vm.guest import Guest, GuestError
from tests.vm.image import image
from tests.vm.project import project
from tests.vm.recipe import RECIPES

_INSIDE = "cd /mnt/repo && /opt/dropwatchd/bin/python -B -m tests.bench.side_by_side.inside"
_TIMEOUT_S = 600
_PACED = ("dwdump", "packet")
"""Compared at lower rates too: nothing may be lost that the other does not lose."""
_PACED_S = 20

Run = Mapping[str, Any]


def main() -> None:
    given = _arguments()
    built = image(RECIPES[given.kernel])
    runs: dict[tuple[str, int], list[Run]] = defaultdict(list)
    wanted = [(name, 0) for name in ("none", *(given.only or PEERS))]
    paced = [(name, rate) for rate in given.rates for name in _PACED if not given.only]
    wanted += paced
    with closing(Guest(built, project(built), parallel=True)) as guest:
        guest.start()
        version = guest.run("uname -r").stdout.strip()
        for number in range(given.rounds):
            for name, rate in wanted if number == 0 else wanted[:-len(paced) or None]:
                print(f"round {number + 1} of {given.rounds}: {name} {rate or ''}", file=sys.stderr, flush=True)
                runs[name, rate].append(_measured(guest, f"{name} {_drops(given.drops, rate)} {rate}"))
                print(f"    {runs[name, rate][-1]}", file=sys.stderr, flush=True)
    print(f"Linux {version} under emulation, {given.rounds} x {given.drops:,} drops, medians\n")
    print(_full_speed(runs, given.drops))
    print()
    print(_paced(runs, given.drops))


def _measured(guest: Guest, what: str) -> Run:
    """Measure in the guest; once more where it went down, as it may with two threads (see emulator.py)."""
    command = f"modprobe drop_monitor && {_INSIDE} {what}"
    try:
        done = guest.run(command, _TIMEOUT_S)
    except GuestError as error:
        print(f"once more, for the guest went down: {str(error).splitlines()[0]}", file=sys.stderr)
        if guest.running:
            guest.power_cut()
        done = guest.start().run(command, _TIMEOUT_S)
    measured: Run = json.loads(done.stdout)
    return measured


def _full_speed(runs: Mapping[tuple[str, int], list[Run]], drops: int) -> str:
    """Compare everything at the sender's full speed; costs are microseconds per drop that was provoked."""
    alone = runs["none", 0]
    rows = []
    for (name, rate), of_one in runs.items():
        if rate or name == "none":
            continue
        ratios = [run["seconds"] / none["seconds"] for run, none in zip(of_one, alone, strict=True)]
        rows.append([
            PEERS[name].title, *_counts(of_one, drops),
            f"{statistics.median(ratios):.2f}",
            _per(of_one, "cpu", "recorded"),
            f"{statistics.median(run['busy'] for run in of_one) / drops * 1e6:.1f}",
            f"{statistics.median(run['disk'] for run in of_one) / 1e6:.2f}",
        ])
    base = f"{statistics.median(run['busy'] for run in alone) / drops * 1e6:.1f}"
    rows.append(["nothing", "", "", "", "1.00", "", base, ""])
    return tabulate(rows, ["", "recorded", "reported lost", "not told", "sender's time", "its CPU, us each recorded",
                           "all CPU, us a drop", "MB on disk"], tablefmt="github", disable_numparse=True)


def _paced(runs: Mapping[tuple[str, int], list[Run]], drops: int) -> str:
    """Compare what is lost at each rate of drops a second."""
    rows = [[PEERS[name].title, f"{rate:,}" if rate else "unpaced: " + _rate(of_one, drops),
             *_counts(of_one, _drops(drops, rate))]
            for (name, rate), of_one in sorted(runs.items(), key=lambda item: (item[0][0], item[0][1] or 1 << 60))
            if name in _PACED]
    return tabulate(rows, ["", "drops a second", "recorded", "reported lost", "not told"], tablefmt="github",
                    disable_numparse=True)


def _drops(most: int, rate: int) -> int:
    return min(most, rate * _PACED_S) if rate else most


def _counts(runs: Iterable[Run], drops: int) -> list[str]:
    """Return what all runs recorded and reported lost, and what is neither: more than all is less than none."""
    runs = list(runs)
    recorded = sum(run["recorded"] for run in runs)
    told = [run["lost"] for run in runs]
    lost = None if None in told else sum(told)
    missing = drops * len(runs) - recorded - (lost or 0)
    return [f"{recorded:,}", "-" if lost is None else f"{lost:,}", f"{missing:,}"]


def _per(runs: Iterable[Run], what: str, each: str) -> str:
    rates = [run[what] / run[each] * 1e6 for run in runs if run[each]]
    return f"{statistics.median(rates):.1f}" if rates else "-"


def _rate(runs: Iterable[Run], drops: int) -> str:
    return f"{drops / statistics.median(run['seconds'] for run in runs):,.0f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.side_by_side", description=__doc__)
    parser.add_argument("kernel", nargs="?", choices=RECIPES, default="6.12")
    parser.add_argument("--drops", type=int, default=300_000, help="for each run (default: 300,000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all programs, one after the other (default: 3)")
    parser.add_argument("--rates", type=int, nargs="*", default=[1000, 5000], metavar="RATE",
                        help="drops a second, beside full speed (default: 1000 5000)")
    parser.add_argument("--only", action="append", choices=PEERS, help="this program; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    main()
