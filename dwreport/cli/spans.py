"""Windows by what a host lived through: a boot, or a run of the daemon."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import click

from dropwatchd.history.read.lives import Life, lives
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope

T = TypeVar("T")


def span(reader: Reader, boot: str | None, run: str | None) -> Scope:
    """Return the scope of a boot or a run, up to now where it goes on; raise click.UsageError.

    It is narrowed to the runs themselves: where the clock was set, others may have the same times. Each is told as
    journalctl tells boots: 0 is the last, -1 the one before, 1 the first; a boot by its id too.
    """
    found = lives(reader)
    if len({life.machine_id for life in found}) > 1:
        raise click.UsageError(f"{'--run' if boot is None else '--boot'} is of one host, and this history has several; "
                               "name one with --host")
    if boot is not None:
        boots = list(dict.fromkeys(life.boot_id for life in found))
        wanted = boot.replace("-", "") if len(boot) >= _ID else boot
        ids = [one for one in boots if one.replace("-", "") == wanted] or [_chosen(boots, boot, "boot")]
        found = [life for life in found if life.boot_id == ids[0]]
    chosen = found if run is None else [_chosen(found, run, "run")]
    since_ns = min(life.since_ns for life in chosen)
    until_ns = max(since_ns + 1, _until(chosen[-1], reader.now_ns), *(life.until_ns for life in chosen))
    return replace(reader.scope, since_ns=since_ns, until_ns=until_ns, runs=tuple(life.known_by for life in chosen))


_ID = 8  # characters: no number of a boot is as long


def _until(last: Life, now_ns: int) -> int:
    return last.until_ns if last.ended else max(now_ns, last.until_ns)


def _chosen(found: Sequence[T], text: str, noun: str) -> T:
    """Return what an offset means: from the last one back, or, above 0, from the first one on."""
    try:
        offset = int(text)
        place = offset - 1 if offset > 0 else len(found) - 1 + offset
        if 0 <= place < len(found):
            return found[place]
    except ValueError:
        pass
    raise click.UsageError(f"unknown --{noun}, {text}; this history has {len(found)}: 0 is the last, -1 the one before")
