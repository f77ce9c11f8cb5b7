"""`python -m tests.gallery`: plays every scenario on this kernel and in the guests, and prints the score."""

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from tests.gallery.guests import SOURCES, play_in_all
from tests.gallery.results import Result, Results, is_right, to_json, totals
from tests.gallery.run import BATCH, play, report
from tests.gallery.scenario import MissingError
from tests.gallery.scenarios import names, scenario
from tests.gallery.score import COLUMNS, Score, kernel
from tests.vm.image import UnavailableError

_SIGNS = {True: "yes", False: "NO", None: "-"}


def main() -> None:
    """Exit with 1 when a scenario was not told right, or the guests cannot be had."""
    given = _arguments()
    source = given.source or "bpf"
    if given.show:
        sys.exit(_print_report(given.show, source))
    results = _play_here(given.only, source, given.batch)
    played = {f"{kernel()}, {source}": results}
    if given.json:
        print(to_json(results))
        return
    if given.source:
        _show(results, source)
    else:
        try:
            played |= play_in_all(given.only)
        except UnavailableError as error:
            _show(results, source)
            sys.exit(f"not played in guests: {error}")
        _show_all(played)
    sys.exit(not all(is_right(result) for results in played.values() for result in results.values()))


def _print_report(name: str, source: str) -> str | None:
    """Play a scenario; return what this kernel lacks for it, if anything."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(report(name, source, Path(folder)), end="")
    except MissingError as error:
        return f"{name} cannot be played here: {error}"
    return None


def _play_here(only: Sequence[str], source: str, batch: int) -> dict[str, Result]:
    chosen = [name for name in names() if not only or name in only]
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, result in play(chosen, source, Path(folder), batch):
            results[name] = result
            print(f"\r{len(results)} of {len(chosen)} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def _show(results: Results, source: str) -> None:
    """Print a line per scenario, and the share of right answers per column."""
    rows = [_line(name, result) for name, result in sorted(results.items())]
    rows.append(["", *totals(results.values()), ""])
    print(f"Linux {os.uname().release}, source {source}\n")
    print(tabulate(rows, ["scenario", "", *COLUMNS, "notes"], maxcolwidths=[None] * 6 + [70]))


def _show_all(played: Mapping[str, Results]) -> None:
    """Print the share of right answers per kernel and source, and what was not told right."""
    rows = [[where, *totals(results.values())] for where, results in sorted(played.items())]
    rows.append(["all", *totals(itertools.chain.from_iterable(results.values() for results in played.values()))])
    print(tabulate(rows, ["kernel, source", "", *COLUMNS], tablefmt="github"))
    wrong = [[where, *_line(name, result)] for where, results in sorted(played.items())
             for name, result in sorted(results.items()) if not is_right(result)]
    if wrong:
        print()
        print(tabulate(wrong, ["kernel, source", "scenario", "", *COLUMNS, "notes"], maxcolwidths=[None] * 7 + [70]))


def _line(name: str, result: Result) -> list[str]:
    if isinstance(result, Score):
        return [name, scenario(name).title, *(_SIGNS[answer] for answer in result.answers), "; ".join(result.notes)]
    word = "not here" if isinstance(result, MissingError) else "FAILED"
    return [name, scenario(name).title, *[word] * len(COLUMNS), str(result)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    parser.add_argument("--source", choices=SOURCES, help="on this kernel alone, with this source, a line for each"
                        " scenario (default: bpf here, and each source in the guests)")
    parser.add_argument("--only", action="append", metavar="NAME", choices=names(), default=[],
                        help="this scenario; may be repeated")
    parser.add_argument("--batch", type=int, metavar="N", default=BATCH,
                        help=f"at most so many before each daemon (default: {BATCH})")
    parser.add_argument("--show", metavar="NAME", choices=names(), help="play this scenario, and print the report")
    parser.add_argument("--json", action="store_true", help="print the results of this kernel for programs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
