"""The views of the central history, which Grafana reads; and schemas that are older or newer than a program."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.fleet.connect import FleetError, script
from dropwatchd.history.fleet.setup import set_up
from dropwatchd.model import NANO
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked, older
from tests.fleet.life import KEY, START, Life
from tests.fleet.server import Server
from tests.fleet.test_exact import check
from tests.fleet.test_report import in_minutes

Live = Callable[..., Life]
DASHBOARD = Path(__file__).parents[2] / "packaging/grafana/dropwatchd-postgresql.json"
_VALUES = {"__from": str(START * 1000), "__to": str((START + 3600) * 1000), "__interval_ms": "60000"}
_NOT_THERE = {"v_stacks"}  # call stacks are not sent


def test_the_dashboard_shows_the_same_of_both(central: str, live: Live) -> None:
    """Its queries are those of one host's history, but for the schema's name and times; columns are the same."""
    life, chance = live(), Random(5)
    for number in range(60):
        life.random(chance, 60)
        if number == 30:
            life.restart(100)
    with closing(sqlite3.connect(life.path)) as connection, connection:
        connection.execute("INSERT INTO events (run_id, time_ns, kind, subject, detail, namespace_id, ifindex)"
                           " VALUES (2, ?, 'link down', 'eth0', '', 1, 2)", ((START + 3000) * NANO + 5_000_000,))
    life.stop()
    send_all(Target(central, life.path))
    here, there = map(panels, (DASHBOARD.with_stem("dropwatchd-sqlite"), DASHBOARD))
    assert [*here] == [*there]
    with closing(sqlite3.connect(in_minutes(life))) as connection:
        for title, sql in here.items():
            assert _plain(there[title]) == sql, title
            found = [(*map(_value, row),) for row in connection.execute(_set(sql))]
            assert sorted(asked_of(central, there[title]), key=str) == sorted(found, key=str), title
            assert found, title
        for name, in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            columns = [row[0] for row in connection.execute(f"SELECT * FROM {name} LIMIT 0").description]  # noqa: S608
            assert name in _NOT_THERE or columns == [row[0] for row in asked(central, f"""
                SELECT column_name FROM information_schema.columns
                WHERE table_schema = 'dropwatch' AND table_name = '{name}' ORDER BY ordinal_position""")]  # noqa: S608


def test_hours_that_were_folded_are_no_more_than_they_are(central: str, live: Live) -> None:
    """Minutes that were sent before are part of the hour, in the view as in a report."""
    life = live()
    life.go_on(60, {KEY: 5})
    send_all(Target(central, life.path))
    for _ in range(90):
        life.go_on(60, {KEY: 7})
    life.fold(HOUR_NS)
    life.stop()
    send_all(Target(central, life.path))
    assert asked(central, "SELECT count(DISTINCT window_width_ns) FROM dropwatch.drops") == [(2,)]
    check(central, life)
    assert asked(central, "SELECT sum(count)::int FROM dropwatch.v_drops") == [(sum(life.dropped.values()),)]


def test_tenants_and_hosts_hold_for_views(central: str, live: Live) -> None:
    """A view shows what its reader may see, not what its owner may."""
    for name in ("web-1", "web-2"):
        life = live(name)
        life.go_on(60, {KEY: 5})
        send_all(Target(central, life.path))
    asked(central, script("tenants.sql"))
    asked(central, "CREATE ROLE looker LOGIN IN ROLE dropwatch_read; CREATE ROLE tenant_green;"
                   "GRANT tenant_green TO looker;"
                   "UPDATE dropwatch.hosts SET tenant = 'green' WHERE hostname = 'web-2'")
    looker = central.replace("postgres@", "looker@")
    assert asked(looker, "SELECT hostname, count FROM dropwatch.v_drops") == [("web-2", 5)]


def test_a_schema_is_upgraded_and_one_that_is_too_new_is_refused(server: Server, live: Live) -> None:
    """Hosts go on sending to an older schema, and to a newer one that takes them; with it stays what was there."""
    url, life = older(server, "0001"), live()
    life.go_on(60, {KEY: 5})
    send_all(Target(url, life.path))
    set_up(url)
    set_up(url)
    life.go_on(60, {KEY: 6})
    send_all(Target(url, life.path))
    check(url, life)
    assert asked(url, "SELECT sum(count)::int FROM dropwatch.v_drops") == [(11,)]
    asked(url, "UPDATE dropwatch.revision SET revision = '9998'")
    life.stop()
    send_all(Target(url, life.path))
    asked(url, "UPDATE dropwatch.revision SET usable_from = '9997'")
    for use in (lambda: send_all(Target(url, life.path)), lambda: set_up(url)):
        with pytest.raises(FleetError, match=r"schema 9998.*upgrade dropwatchd here"):
            use()
    check(url, life)


def asked_of(url: str, sql: str) -> list[tuple[Any, ...]]:
    return [(*map(_value, row),) for row in asked(url, _set(sql))]


def panels(path: Path) -> dict[str, str]:
    return {panel["title"]: target.get("rawSql") or target["queryText"]
            for panel in json.loads(path.read_text())["panels"] for target in panel["targets"]}


def _plain(sql: str) -> str:
    """Return a query as it is for SQLite."""
    return re.sub(r"to_timestamp\((.*?0)\) AS", r"\1 AS", sql.replace("FROM dropwatch.v_", "FROM v_"))


def _set(sql: str) -> str:
    return re.sub(r"\$(\w+)", lambda name: _VALUES[name[1]], sql)


def _value(value: object) -> object:
    """Return numbers and times of both engines as the same."""
    if isinstance(value, datetime):
        return round(value.timestamp(), 6)
    return round(float(value), 6) if isinstance(value, (bool, int, float, Decimal)) else value
