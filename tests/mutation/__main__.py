"""`python -m tests.mutation`: makes each fault in a copy of the tree, and says whether its tests there noticed."""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tabulate import tabulate

from tests.mutation.plan import ROOT, Mutation, mutations

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".hypothesis", "__pycache__", ".*_cache", "*.db", "dist", "build")
_TIMEOUT = 240.0
_PASSED, _FAILED = 0, 1  # pytest's exit codes
_KILLED = "killed"


def main() -> None:
    """Exit with 1 when a fault was not seen, with 2 when one cannot be made or the tests fail without any."""
    given = _arguments()
    chosen = [one for one in mutations() if not given.names or any(name in str(one) for name in given.names)]
    if troubles := list(filter(None, (one.trouble(ROOT) for one in chosen))) or ([] if chosen else ["no such fault"]):
        print(*troubles, sep="\n", file=sys.stderr)
        sys.exit(2)
    with ExitStack() as stack:
        trees: queue.Queue[Path] = queue.Queue()
        for _ in range(given.processes):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutation-")))
            trees.put(shutil.copytree(ROOT, folder / "tree", ignore=_LEFT_OUT))
        _need_sound_tests(trees, chosen)
        with ThreadPoolExecutor(given.processes) as pool:
            ends = list(pool.map(lambda one: _meet(one, trees), chosen))
    _show(chosen, ends)
    sys.exit(any(end != _KILLED for end in ends))


def _need_sound_tests(trees: "queue.Queue[Path]", chosen: Sequence[Mutation]) -> None:
    """Where the tests fail without a fault their failure says nothing."""
    tree = trees.get()
    code, said = _tested(tree, sorted({test for one in chosen for test in one.tests}), 4 * _TIMEOUT)
    if code != _PASSED:
        print(said, file=sys.stderr)
        sys.exit(2)
    trees.put(tree)


def _meet(one: Mutation, trees: "queue.Queue[Path]") -> str:
    """Make a fault in a tree that is free, run its tests, and undo it; return how it ended."""
    tree = trees.get()
    touched = [tree / one.path, *tree.glob("dropwatchd/sources/bpf/*.o")]
    before = {path: path.read_bytes() for path in touched}
    try:
        (tree / one.path).write_text(one.mutated(tree))
        if one.path.endswith(".bpf.c"):
            subprocess.run(["make", "--silent", "-C", tree, "--always-make", "bpf"], check=True)
        code, said = _tested(tree, one.tests, _TIMEOUT)
    finally:
        for path, content in before.items():
            path.write_bytes(content)
        trees.put(tree)
    end = {_PASSED: "SURVIVED", _FAILED: _KILLED}.get(code, "BROKEN")
    print(f"{end:8}  {one}", said if end == "BROKEN" else "", file=sys.stderr, flush=True)
    return end


def _tested(tree: Path, tests: Sequence[str], seconds: float) -> tuple[int, str]:
    """Run tests up to the first that fails; one that does not come to an end fails."""
    words = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(words, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True,
                              text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return _FAILED, "no end"
    return done.returncode, done.stdout[-4000:] + done.stderr[-1000:]


def _show(chosen: Sequence[Mutation], ends: Sequence[str]) -> None:
    made, killed = Counter(one.path for one in chosen), Counter[str]()
    for one, end in zip(chosen, ends, strict=True):
        killed[one.path] += end == _KILLED
    print(tabulate([*((path, count, killed[path]) for path, count in made.items()),
                    ("all", made.total(), killed.total())], ["file", "faults", "noticed"], tablefmt="github"))
    for one, end in zip(chosen, ends, strict=True):
        if end != _KILLED:
            print(f"{end}: {one}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", help='parts of "file: name"; the faults that have one (default: all)')
    parser.add_argument("--processes", type=int, metavar="N", default=1,
                        help="so many at a time; tests with real drops may disturb each other (default: 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
