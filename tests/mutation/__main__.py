"""`python -m tests.mutation`: makes each fault in a copy of the tree, and says whether its tests there noticed."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import pytest
from tabulate import tabulate

from tests.mutation.plan import ROOT, Mutation, mutations

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".hypothesis", "__pycache__", ".*_cache", "*.db", "dist", "build")
# What takes longest before a test begins: it is imported once, and each run of tests is a child that has it.
_IMPORTED = ("hypothesis.strategies", "msgspec", "pyroute2", "sqlalchemy.dialects.sqlite", "xdist.scheduler")
_FORK = get_context("fork")
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
    for name in _IMPORTED:
        import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = shutil.copytree(ROOT, Path(folder) / "tree", ignore=_LEFT_OUT)
        code, said = _tested(tree, sorted({test for one in chosen for test in one.tests}), 4 * _TIMEOUT)
        if code != _PASSED:  # then their failure says nothing
            print(said, file=sys.stderr)
            sys.exit(2)
        with ProcessPoolExecutor(given.processes, _FORK) as pool:
            ends = list(pool.map(_end, chosen, [Path(folder)] * len(chosen)))
    _show(chosen, ends)
    sys.exit(any(end != _KILLED for end in ends))


def _end(one: Mutation, folder: Path) -> str:
    """Make a fault in this process's copy of the tree, run its tests, and undo it; return how it ended."""
    tree = folder / str(os.getpid())
    if not tree.exists():
        shutil.copytree(folder / "tree", tree)
    before = {path: path.read_bytes() for path in (tree / one.path, *tree.glob("dropwatchd/sources/bpf/*.o"))}
    try:
        (tree / one.path).write_text(one.mutated(tree))
        if one.path.endswith(".bpf.c"):
            subprocess.run(["make", "--silent", "-C", tree, "--always-make", "bpf"], check=True)
        code, said = _tested(tree, one.tests, _TIMEOUT)
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    end = {_PASSED: "SURVIVED", _FAILED: _KILLED}.get(code, "BROKEN")
    print(f"{end:8}  {one}", said if end == "BROKEN" else "", file=sys.stderr, flush=True)
    return end


def _tested(tree: Path, tests: Sequence[str], seconds: float) -> tuple[int, str]:
    """Run tests up to the first that fails, in a child; tests that do not come to an end fail."""
    said = tree.with_suffix(".out")
    child = _FORK.Process(target=_test, args=(tree, tests, said))
    child.start()
    child.join(seconds)
    if child.exitcode is None:
        child.kill()
        child.join()
        return _FAILED, "no end"
    return child.exitcode, said.read_text()[-5000:]


def _test(tree: Path, tests: Sequence[str], said: Path) -> None:
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True  # a file that changes twice in a second would be taken for what it was before
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    with said.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", *tests]))  # no matter of luck


def _show(chosen: Sequence[Mutation], ends: Sequence[str]) -> None:
    made, killed = Counter(one.path for one in chosen), Counter[str]()
    for one, end in zip(chosen, ends, strict=True):
        killed[one.path] += end == _KILLED
    rows = [(path, count, killed[path]) for path, count in made.items()]
    print(tabulate([*rows, ("all", made.total(), killed.total())], ["file", "faults", "noticed"], tablefmt="github"))
    print(*(f"{end}: {one}" for one, end in zip(chosen, ends, strict=True) if end != _KILLED), sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", help='parts of "file: name"; the faults that have one (default: all)')
    parser.add_argument("--processes", type=int, metavar="N", default=1,
                        help="so many at a time; tests with real drops may disturb each other (default: 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
