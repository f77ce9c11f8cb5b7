"""`python -m tests.gallery`: plays every scenario on this kernel and prints the score."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

from tests.gallery.run import BATCH, Result, play
from tests.gallery.scenario import MissingError
from tests.gallery.scenarios import names, scenario
from tests.gallery.score import COLUMNS, Score

_SIGNS = {True: "yes", False: "NO", None: "-"}


def main() -> None:
    """Exit with 1 when a scenario was not told right."""
    given = _arguments()
    chosen = [name for name in names() if not given.only or name in given.only]
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, result in play(chosen, given.source, Path(folder), given.batch):
            results[name] = result
            print(f"\r{len(results)} of {len(chosen)} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    show(results, given.source)
    sys.exit(not all(_is_right(result) for result in results.values()))


def show(results: dict[str, Result], source: str) -> None:
    """Print a line per scenario, and the share of right answers per column."""
    rows = [_line(name, result) for name, result in results.items()]
    scores = [result for result in results.values() if isinstance(result, Score)]
    totals = [_share([score.answers[column] for score in scores]) for column in range(len(COLUMNS))]
    rows.append(["", f"{len(scores)} of {len(results)} played", *totals, ""])
    print(f"Linux {os.uname().release}, source {source}\n")
    print(tabulate(rows, ["scenario", "", *COLUMNS, "notes"], maxcolwidths=[None] * 6 + [70]))


def _line(name: str, result: Result) -> list[str]:
    if isinstance(result, Exception):
        word = "not here" if isinstance(result, MissingError) else "FAILED"
        return [name, scenario(name).title, *[word] * len(COLUMNS), str(result)]
    return [name, scenario(name).title, *(_SIGNS[answer] for answer in result.answers), "; ".join(result.notes)]


def _share(answers: list[bool | None]) -> str:
    judged = [answer for answer in answers if answer is not None]
    return f"{sum(judged)}/{len(judged)} ({sum(judged) / len(judged):.0%})" if judged else "-"


def _is_right(result: Result) -> bool:
    """Say whether nothing is wrong: what cannot be played here is not wrong."""
    return result.is_right if isinstance(result, Score) else isinstance(result, MissingError)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    parser.add_argument("--source", choices=["bpf", "net_dm", "net_dm summary"], default="bpf")
    parser.add_argument("--only", action="append", metavar="NAME", help="this scenario; may be repeated")
    parser.add_argument("--batch", type=int, metavar="N", help=f"so many before each daemon ({BATCH}; 1 for net_dm,"
                        " which tells no namespace: only time says whose a drop was)")
    given = parser.parse_args()
    given.batch = given.batch or (BATCH if given.source == "bpf" else 1)
    return given


if __name__ == "__main__":
    main()
