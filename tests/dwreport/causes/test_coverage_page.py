"""docs/coverage.md, held to the code: what it names exists, and what exists is named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dropwatchd.collectors import collector_names
from dwreport import causes
from dwreport.causes.files import files, read
from tests.gallery import scenarios

PAGE = (Path(__file__).parents[3] / "docs/coverage.md").read_text()
_HEAD = "| lost because | event | counters | named | since | played, or why not |"
_NAME = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """A way of losing a packet."""

    lost: str
    event: str
    counters: str
    named: str
    since: str
    played: str


def _rows() -> Iterator[Row]:
    for table in PAGE.split(_HEAD)[1:]:
        lines = table.split("\n\n")[0].splitlines()[2:]
        yield from (Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines)


ROWS = list(_rows())


def _names(cell: str) -> list[str]:
    return _NAME.findall(cell)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.lost)
def test_what_is_named_exists(row: Row) -> None:
    """Events are reasons, functions or traps, counters have a meaning and a collector, headlines an entry."""
    assert _names(row.event) or row.event == "none"
    for name in _names(row.event):
        known = causes.location(name.removesuffix("()")) if name.endswith("()") else causes.reason(name)
        assert known or causes.trap(name), name
    for name in _names(row.counters):
        assert _counter(name), name
    assert _names(row.named)
    for name in _names(row.named):
        assert causes.location(name[:-2]) if name.endswith("()") else causes.written(name) or causes.trap(name), name


def _counter(name: str) -> object:
    collector, _, plain = name.rpartition("/")
    assert not collector or collector in collector_names()
    return causes.counter(collector or "snmp", plain)


@pytest.mark.parametrize("row", [row for row in ROWS if _names(row.event)], ids=lambda row: row.lost)
def test_since_is_the_catalogues(row: Row) -> None:
    """The kernel that gave the first reason its name, where the catalogue knows."""
    first = _names(row.event)[0]
    known = None if first.endswith("()") else causes.reason(first)
    assert row.since == ((known.since if known else None) or "")


def test_every_collector_is_named() -> None:
    """By one of its counters, on the page."""
    named = {name.partition("/")[0] for name in _NAME.findall(PAGE)}
    counted = {found.collector for row in ROWS for name in _names(row.counters) if (found := _found(name))}
    assert set(collector_names()) <= named | counted


def _found(name: str) -> causes.Counter | None:
    found = causes.written(name)
    return found if isinstance(found, causes.Counter) else None


def test_every_scenario_is_named() -> None:
    """What the gallery plays stands with what it plays, and nothing else is called played."""
    assert sorted({name for row in ROWS for name in _names(row.played)}) == sorted(scenarios.names())


def test_everything_unseen_is_named() -> None:
    """Whatever the daemon lists as unseen stands with the loss that it hides."""
    unseen = {f"unseen/{name}" for name in read("counters/unseen.toml")}
    assert {name for row in ROWS for name in _names(row.named) if name.startswith("unseen/")} == unseen


def test_every_layer_has_a_place() -> None:
    """The headings are the catalogue's layers."""
    headings = [line.removeprefix("## ").partition(":")[0] for line in PAGE.splitlines() if line.startswith("## ")]
    layers = {word for heading in headings for word in heading.split(", ")}
    assert {Path(file).stem for file in files("layers")} <= layers


def test_the_rest_of_the_page_names_counters_too() -> None:
    """What moves with a loss, and is none."""
    text = PAGE.split("## What moves with a loss, and is none")[1].split("## ")[0]
    for name in _NAME.findall(text):
        found = _counter(name)
        assert isinstance(found, causes.Counter), name
        assert found.kind in {"info", "pressure"}, name
