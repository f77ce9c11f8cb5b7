"""Every view's JSON is as the published schema says, and the schema speaks of nothing else."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dropwatchd.model import NANO
from tests.dwreport.conftest import START_NS, History, Report


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: the first would say nothing."""
    names = [name for name, _value in pairs]
    assert len(set(names)) == len(names), names
    return dict(pairs)


SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text(), object_pairs_hook=_once)
EVERYTHING = "interface,netns,host,cause,severity,protocol,location,origin"
VIEWS: list[tuple[str, ...]] = [
    (), ("drops",), ("counters",), ("timeline",), ("coverage",), ("packets",), ("causes",), ("explain", "#1"),
    ("--by", "reason,hour"), ("--by", "port,address,transport,destination,day"), ("--by", EVERYTHING),
    ("--interface", "eth0"), ("drops", "--top", "1"), ("compare",), ("hosts",),
    ("incidents",), ("incidents", "--by", "reason"), ("runs",),
    ("compare", "--with", f"@{START_NS // NANO - 60}")]
DATAGRAM = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                       bytes([198, 51, 100, 2]), 40000, 5060, 8, 0)


@pytest.fixture
def full(history: History) -> History:
    """Something of every kind: known and unknown, counted and sampled, by hardware too; holes and events."""
    run = history.run()
    history.drop(run, START_NS + 60 * NANO, 12, last_ns=START_NS + 61 * NANO, module="udp")
    history.packet(run, START_NS + 60 * NANO, DATAGRAM, weight=12, link_header=False)
    history.packet(run, START_NS + 61 * NANO, b"", length=0, details='{"queue": "fq_codel 8001:"}')
    history.drop(run, START_NS + 62 * NANO, 1, symbol=None, offset=None, address="0xffffffff81234567", reason=None,
                 protocol=None, netns=None, netns_name=None, ifindex=None, name=None, bytes=None)
    history.drop(run, START_NS + 63 * NANO, 3, origin="hardware", trap="ttl_value_is_too_small", reason=None)
    history.drop(run, START_NS + 64 * NANO, 3, reason="UNHANDLED_PROTO")
    history.counter(run, "UdpRcvbufErrors", 12, START_NS + 100 * NANO)
    history.counter(run, "rx_missed_errors", 5, START_NS + 100 * NANO, collector="link", interface="eth0",
                    labels={"a": "b"})
    history.counter(run, "NobodyKnows", 5, START_NS + 100 * NANO)
    history.gap(run, START_NS + 10 * NANO, START_NS + 11 * NANO, detail="why")
    history.gap(run, START_NS + 20 * NANO, START_NS + 21 * NANO, lost=7, effect="partial")
    history.watch(run, "counters", "unseen", START_NS, START_NS + 100 * NANO)
    history.counter(run, "offload", 1, START_NS + 100 * NANO, collector="unseen", gauge=True, interface="eth0",
                    labels={"driver": "mlx5_core"})
    history.event(run, START_NS + 5 * NANO, "link down", "eth0", detail="carrier")
    return history


@pytest.mark.parametrize("words", VIEWS)
@pytest.mark.usefixtures("full")
def test_json_is_as_the_schema_says(report: Report, words: tuple[str, ...]) -> None:
    """Nothing missing, and nothing that is not told there."""
    jsonschema.validate(report.json(*words), SCHEMA, jsonschema.Draft202012Validator)


def test_an_empty_history_is_as_the_schema_says(history: History, report: Report) -> None:  # noqa: ARG001
    for words in VIEWS:
        if words[:1] not in {("explain",), ("--interface",)}:  # these ask for what is not there
            jsonschema.validate(report.json(*words), SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.usefixtures("full")
def test_the_schema_speaks_of_nothing_else(report: Report) -> None:
    """What it names is in some view, with a value and not only null."""
    seen = {path for words in VIEWS for path in _paths(report.json(*words))}
    told = set(_told(SCHEMA, ()))
    assert told - seen == set()


def test_every_definition_is_of_some_use() -> None:
    """What nothing comes to from the top, on whatever way, describes nothing."""
    definitions, reached = SCHEMA["$defs"], set[str]()
    waiting = [json.dumps({name: part for name, part in SCHEMA.items() if name != "$defs"})]
    while waiting:
        named = {*re.findall(r'"#/\$defs/(\w+)"', waiting.pop())} - reached
        reached |= named
        waiting += [json.dumps(definitions[name]) for name in named]
    assert reached == {*definitions}


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, (*path, name))
    elif isinstance(value, list):
        yield path
        for part in value:
            yield from _paths(part, path)
    if path and value is not None and not isinstance(value, dict):
        yield path


def _told(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of what a schema names, down to where it allows anything."""
    if reference := schema.get("$ref"):
        schema = SCHEMA["$defs"][reference.rpartition("/")[2]]
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _told(alternative, path)
    if "items" in schema:
        yield from _told(schema["items"], path)
    for name, part in schema.get("properties", {}).items():
        yield from _told(part, (*path, name))
    inner = {"properties", "items", "anyOf", "oneOf", "additionalProperties"} & schema.keys()
    if path and not inner and schema != {"type": "null"}:
        yield path


@pytest.mark.parametrize("words", [words for words in VIEWS if words != ("coverage",)])
@pytest.mark.usefixtures("full")
def test_json_lines_are_the_rows(report: Report, words: tuple[str, ...]) -> None:
    """Each on a line of its own, as in the object."""
    lines = [json.loads(line) for line in report(*words, "--format", "jsonl").splitlines()]
    answer = report.json(*words)
    assert lines
    assert lines in [answer[key] for key in answer if isinstance(answer[key], list)]
