"""Hosts on three PostgreSQL servers, and reports through one of them: the same as of one; then a server goes down."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dropwatchd.history.fleet.connect import FleetError
from dropwatchd.history.fleet.setup import set_up, set_up_coordinator
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.server import Server

_SHARDS = 3
_VIEWS: tuple[tuple[str, ...], ...] = (
    ("hosts",), (), ("coverage",), ("drops",), ("counters",), ("timeline",), ("--by", "host,reason"),
    ("--host", "web-3"), ("hosts", "--host", "db-*"))


def check(one: str, histories: Sequence[Path], window: Sequence[str], show: Callable[..., None]) -> None:
    """See that shards say what one server says of the same hosts; and what they say, and show, when one is down."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Server()) for _ in range(_SHARDS)]
        url = coordinate(servers)
        placed = {_name(path): _send(servers, url, path) for path in histories}
        for words in _VIEWS:
            assert said(url, *window, *words) == said(one, *window, *words), words
        lost = {name for name, server in placed.items() if server is servers[-1]}
        assert 0 < len(lost) < len(placed), placed
        servers[-1].stop(signal.SIGQUIT)
        _check_missing(url, one, window, lost)
        show("dwreport", "--database", url, "hosts")
        servers[-1].start()
        servers[-1].pause()
        said(url, *window, "hosts", told=f"not answered: shard s{_SHARDS} with {len(lost)} host")
        servers[-1].go_on()
        assert said(url, *window, "hosts") == said(one, *window, "hosts")
        wrong = next(server for server in servers if server is not placed[_name(histories[0])])
        with pytest.raises(FleetError, match="of_this_shard"):
            send_all(Target(wrong.url(), histories[0]))


def _check_missing(url: str, one: str, window: Sequence[str], lost: set[str]) -> None:
    """See that hosts of a shard that is down are told as missing, and the others as ever."""
    told = f"not answered: shard s{_SHARDS} with {len(lost)} host"
    here, whole = (said(place, *window, "hosts", told=text) for place, text in ((url, told), (one, "")))
    as_ever = {row["host"]: row for row in whole["fleet"]}
    assert {row["host"] for row in here["fleet"]} == {*as_ever}
    for row in here["fleet"]:
        if row["host"] in lost:
            assert {row[name] for name in ("drops", "harmful", "suspect")} == {None}
            assert (row["status"], row["ending"]) == ("blind", "not answered"), row
        else:
            assert row == as_ever[row["host"]]
    assert here["coverage"]["status"] == "partial"
    assert {row["of"] for row in here["shared"]} == {len(as_ever) - len(lost)}
    assert {gap["host"] for gap in here["coverage"]["gaps"] if gap["cause"] == "not answered"} == lost
    here, whole = (said(place, *window, "--by", "host,reason", told=text)["groups"]
                   for place, text in ((url, told), (one, "")))
    assert here == [row for row in whole if row["host"] not in lost]
    for name in lost:
        alone = said(url, *window, "--host", name, told=told)
        assert (alone["coverage"]["status"], alone["drops"]) == ("blind", [])


def coordinate(servers: Sequence[Server]) -> str:
    """Make each server a shard, and a database of the first the one that reports ask; return its URL for a reader."""
    with psycopg.connect(servers[0].url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE reports")
    set_up_coordinator(servers[0].url("reports"))
    with psycopg.connect(servers[0].url("reports"), autocommit=True) as reports:
        for number, server in enumerate(servers, 1):
            set_up(server.url())
            [(first, last)] = reports.execute("SELECT * FROM dropwatch.part_of_keys(%s, %s)",
                                              (number, len(servers))).fetchall()
            with psycopg.connect(server.url(), autocommit=True) as shard:
                shard.execute("ALTER TABLE dropwatch.hosts ADD CONSTRAINT of_this_shard"
                              f" CHECK (host BETWEEN {first} AND {last})".encode())
                shard.execute("CREATE ROLE reports LOGIN IN ROLE dropwatch_read")
            place = conninfo_to_dict(server.url())
            reports.execute("SELECT dropwatch.add_shard(%s, %s, %s, %s, %s)", (
                f"s{number}", first, last,
                f"host '{place['host']}', port '{place['port']}', dbname '{place['dbname']}'",
                "user 'reports', password_required 'false'"))
        reports.execute("CREATE ROLE reader LOGIN IN ROLE dropwatch_read")
    url = servers[0].url("reports", "reader")
    with pytest.raises(psycopg.Error, match="permission denied"), psycopg.connect(url) as reader:
        reader.execute("DELETE FROM dropwatch.known_hosts")
    return url


def _send(servers: Sequence[Server], url: str, path: Path) -> Server:
    """Send a history to the shard of its host; return which that is."""
    with psycopg.connect(url) as connection, closing(sqlite3.connect(path)) as history:
        [(machine_id,)] = history.execute("SELECT DISTINCT machine_id FROM runs").fetchall()
        [(shard,)] = connection.execute("SELECT dropwatch.shard_of(%s)", (machine_id,)).fetchall()
    server = servers[int(shard[1:]) - 1]
    send_all(Target(server.url(), path))
    return server


def _name(path: Path) -> str:
    with closing(sqlite3.connect(path)) as history:
        [(name,)] = history.execute("SELECT DISTINCT hostname FROM runs").fetchall()
    return str(name)


def said(url: str, *words: str, told: str = "") -> Any:
    """Return what a report says, and see that it complains of nothing else."""
    done = subprocess.run([Path(sys.executable).parent / "dwreport", "--database", url, "--format", "json", *words],
                          check=True, capture_output=True, text=True)
    assert len(done.stderr.splitlines()) == bool(told), done.stderr
    assert told in done.stderr
    return json.loads(done.stdout)
