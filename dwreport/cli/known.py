"""Filters whose value nothing bears: a word that is misspelt matches nothing, and that is no "none was dropped"."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

import click

from dropwatchd.history.read.patterns import Patterns, is_called, printed, unwanted, wanted
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Only, run_clause
from dwreport import causes
from dwreport.evidence.asked import Asked
from dwreport.evidence.owned import KINDS, names_on_record

_NOUNS = {"host": "host", "netns": "network namespace", "interface": "interface", "reason": "reason",
          "location": "kernel function", "process": "process", "unit": "unit", "container": "container"}
_MOST = 12  # names that a person reads
_INTERFACES = """SELECT name FROM interfaces UNION SELECT interface FROM counters UNION SELECT subject FROM events
                 UNION SELECT '#' || ifindex FROM interfaces WHERE name IS NULL"""


def check(reader: Reader) -> None:
    """Raise click.UsageError where a filter asks for, or leaves out, what all of the history never bore.

    Of reasons and functions those are known too that the catalogue has: that none was dropped there is an answer. So is
    that drops of which it is not on record may match, with the same words on stderr.
    """
    scope = reader.scope
    if scope.host is not None and not _column(reader, f"SELECT hostname FROM runs r WHERE {run_clause(scope)}"):
        raise click.UsageError(_unknown("host", scope.host, _column(reader, "SELECT hostname FROM runs")))
    for option, patterns in (("netns", scope.netns), ("interface", scope.interface), ("reason", scope.reason),
                             ("location", scope.location), *_owners(scope.only)):
        if patterns:
            there = _there(reader, option)
            for pattern in (*wanted(patterns), *unwanted(patterns)):
                if is_called(pattern, there) or _is_in_catalogue(option, pattern):
                    continue
                if not reader.may_match():
                    raise click.UsageError(_unknown(option, pattern, there))
                click.echo(f"dwreport: {_unknown(option, pattern, there)}", err=True)


def _owners(only: Only | None) -> Iterable[tuple[str, Patterns]]:
    return only.owners.items() if isinstance(only, Asked) else ()


def _there(reader: Reader, option: str) -> list[str]:
    """Return what the history has, as it is stored and as it is printed."""
    if option == "interface":
        found = _column(reader, _INTERFACES)
    elif option == "netns":
        inodes = _column(reader, "SELECT inode FROM namespaces")
        found = ["init", *_column(reader, "SELECT name FROM namespaces"), *inodes,
                 *(f"net:[{inode}]" for inode in inodes)]
    elif option in KINDS:
        found = sorted({name for names in names_on_record(reader.rows) for name in names[option] or ()})
    elif option == "reason":
        found = [name.upper() for name in _column(reader, "SELECT reason FROM kinds UNION SELECT trap FROM kinds")]
    else:
        rows = reader.rows("SELECT coalesce(symbol, address), offset, module FROM locations WHERE symbol IS NOT NULL"
                           " OR address IS NOT NULL")
        found = [form for name, offset, module in cast("Iterable[tuple[str, int | None, str | None]]", rows)
                 for form in _forms(name, offset, module)]
    return list(dict.fromkeys(form for name in found for form in (name, printed(name))))


def _forms(name: str, offset: int | None, module: str | None) -> list[str]:
    """Return how a place is printed: the function, with its offset and its module where these are told."""
    placed = [name] if offset is None else [name, f"{name}+{offset:#x}"]
    return placed + ([f"{form} [{module}]" for form in placed] if module else [])


def _column(reader: Reader, sql: str) -> list[str]:
    return sorted({str(value) for value, in reader.rows(sql) if value not in {None, ""}})


def _is_in_catalogue(option: str, pattern: str) -> bool:
    return option in {"reason", "location"} and bool(causes.explain(pattern))


def _unknown(option: str, value: str, there: Iterable[str]) -> str:
    names = [name for name in there if name.isprintable()]
    near = get_close_matches(value, names, 3, 0.5)
    shown = list(dict.fromkeys([*near, *(name for name in names if not name.isdigit())]))
    more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    told = f"there are {', '.join(shown[:_MOST])}{more}" if shown else "there is none"
    return f"no {_NOUNS[option]} {value} is on record; {told}"
