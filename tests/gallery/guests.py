"""The gallery in guests: the same scenarios on other kernels, with each source of drop events."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing

from tests.gallery.results import Result, from_json
from tests.vm.guest import Guest
from tests.vm.image import image
from tests.vm.project import project
from tests.vm.recipe import RECIPES

SOURCES = ("bpf", "net_dm", "net_dm summary")
_TIMEOUT_S = 2400
_PYTHON = "/opt/dropwatchd/bin/python -B"


def play_in(guest: Guest, source: str, only: Sequence[str] = ()) -> dict[str, Result]:
    """Play the scenarios in a guest that runs."""
    guest.run("modprobe drop_monitor")
    chosen = " ".join(f"--only {name}" for name in only)
    done = guest.run(f"cd /mnt/repo && {_PYTHON} -m tests.gallery --json --source '{source}' {chosen}", _TIMEOUT_S,
                     check=False)
    if not done.stdout:
        raise RuntimeError(f"the gallery did not run: {done.stderr}")
    return from_json(done.stdout)


def play_in_all(only: Sequence[str]) -> Iterator[tuple[str, dict[str, Result]]]:
    """Play in a guest of each kernel, side by side, with one source after the other; yield as each is done."""
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(_play_all, kernel, only) for kernel in RECIPES]
        for done in as_completed(running):
            yield from done.result().items()


def _play_all(kernel: str, only: Sequence[str]) -> dict[str, dict[str, Result]]:
    built = image(RECIPES[kernel])
    results = {}
    with closing(Guest(built, project(built))) as guest:
        guest.start()
        for source in SOURCES:
            print(f"Linux {kernel}, source {source} ...", file=sys.stderr, flush=True)
            results[f"{kernel}, {source}"] = play_in(guest, source, only)
    return results
