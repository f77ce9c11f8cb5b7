"""What one host, or one reader, can do to another's: nothing; and what tidying leaves for those that send on."""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from dropwatchd.history.fleet.connect import FleetError, connect, script
from dropwatchd.history.fleet.pull import opened
from dropwatchd.history.fleet.setup import set_up, tidy
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import Location
from dropwatchd.upload.loop import Target, send_all
from dwreport.__main__ import run as run_report
from tests.fleet.conftest import asked, older
from tests.fleet.life import COUNTERS, GAUGE, KEY, START, Life
from tests.fleet.server import Server

Live = Callable[..., Life]
_DAY_S = 86_400
_WINDOW = ("--since", f"@{START}", "--until", f"@{START + 3600}")


def test_what_was_removed_is_not_sent_again(central: str, live: Live) -> None:
    """A host that keeps more days than the central history, and whose clock was set in the same run."""
    life = live(start=int(time.time()) - 20 * _DAY_S)
    life.go_on(60, {KEY: 5}, {COUNTERS[0]: 5, GAUGE: 100})
    life.set_clock(30)
    for _ in range(19):
        life.go_on(_DAY_S, {KEY: 1})
    life.go_on(3600, {}, {COUNTERS[1]: 2})
    send_all(Target(central, life.path))
    tidy(central, 10)
    assert asked(central, "SELECT count(*) FROM dropwatch.watches WHERE what <> 'daemon' AND since_ns < until_ns"
                          " AND since_ns < (SELECT until_ns FROM dropwatch.expired)") == [(0,)]
    asked(central, "DELETE FROM dropwatch.counter_changes")  # as if these had been all too old
    life.set_clock(-30)
    life.go_on(600, {KEY: 7}, {COUNTERS[0]: 7, GAUGE: 10})
    life.go_on(600)
    send_all(Target(central, life.path))
    tidy(central, 10)
    assert asked(central, """SELECT name, sum(delta)::int FROM dropwatch.counter_changes
                             JOIN dropwatch.counters USING (host, counter) GROUP BY name ORDER BY name""") == [
        ("UdpNoPorts", 2), ("UdpRcvbufErrors", 7), ("mtu", 10)]
    assert asked(central, """SELECT min(window_start_ns) > (SELECT until_ns FROM dropwatch.expired) - 3660000000000
                             FROM dropwatch.drops""") == [(True,)]
    life.stop()
    send_all(Target(central, life.path))
    tidy(central, 10)
    assert asked(central, "SELECT count(*) FROM dropwatch.watches WHERE since_ns = until_ns") == [(0,)]


def test_names_of_ones_own_give_no_rights(server: Server, live: Live) -> None:
    """A table called as one of the system's, and a function: also where the functions were made by an older schema."""
    url = older(server, "0001")
    asked(url, """CREATE FUNCTION dropwatch.is_mine(tenant text) RETURNS boolean STABLE LANGUAGE sql AS $$
                  SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenant_' || tenant
                                                            AND pg_has_role(session_user, oid, 'member'))$$""")
    asked(url, script("tenants.sql").replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    set_up(url)
    lives = [live(name) for name in ("web-1", "web-2")]
    for life in lives:
        life.go_on(60, {KEY: 5})
        send_all(Target(url, life.path))
    login = f"host_{lives[1].machine_id}"
    asked(url, f"""CREATE ROLE spy LOGIN IN ROLE dropwatch_read; CREATE ROLE tenant_mine; CREATE ROLE tenant_other;
                   GRANT tenant_mine TO spy; CREATE ROLE {login} LOGIN IN ROLE dropwatch_write;
                   CREATE SCHEMA own AUTHORIZATION {login};
                   UPDATE dropwatch.hosts SET tenant = CASE hostname WHEN 'web-1' THEN 'mine' ELSE 'other' END""")  # noqa: S608
    with psycopg.connect(url.replace("postgres@", "spy@"), autocommit=True) as spy:
        spy.execute("CREATE TEMPORARY TABLE pg_roles AS SELECT 'tenant_other'::name AS rolname, oid"
                    " FROM pg_catalog.pg_roles WHERE rolname = 'tenant_mine'")
        spy.execute("SET search_path = pg_temp, pg_catalog")
        assert spy.execute("SELECT hostname FROM dropwatch.hosts").fetchall() == [("web-1",)]
    with psycopg.connect(url.replace("postgres@", f"{login}@"), autocommit=True) as host:
        host.execute(f"""CREATE FUNCTION own.substr(text, int) RETURNS text IMMUTABLE LANGUAGE sql
                         AS $$ SELECT '{lives[0].machine_id}'::text $$""".encode())
        host.execute("SET search_path = own, pg_catalog")
        assert host.execute("SELECT hostname FROM dropwatch.hosts").fetchall() == [("web-2",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            host.execute("UPDATE dropwatch.hosts SET tenant = 'mine'")


def test_rows_under_anothers_keys_are_not_taken_for_his(central: str, live: Live,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever knows another host's keys adds nothing to it, renames nothing of it, and stops no report."""
    for name in ("good", "evil"):
        life = live(name)
        life.go_on(60, {KEY: 5}, {COUNTERS[0]: 5})
        send_all(Target(central, life.path))
    [(good, run), (evil, own)] = asked(central, "SELECT host, run FROM dropwatch.runs ORDER BY hostname DESC")
    asked(central, f"""
        INSERT INTO dropwatch.drops SELECT {evil}, {run}, location, kind, interface, window_start_ns, window_width_ns,
            1000, bytes, first_ns, last_ns FROM dropwatch.drops WHERE host = {good};
        INSERT INTO dropwatch.runs (host, run, boot_id, hostname, kernel, version, started_ns)
            SELECT {evil}, {run}, boot_id, 'evil', kernel, version, started_ns FROM dropwatch.runs WHERE run = {own};
        INSERT INTO dropwatch.interfaces SELECT {evil}, interface, boot_id, namespace, ifindex, 'not so', kind, driver,
            peer, valid_from_ns, valid_until_ns FROM dropwatch.interfaces WHERE host = {good};
        INSERT INTO dropwatch.namespaces SELECT {evil}, namespace, entity, boot_id, cookie, inode, 'not so', kind,
            valid_from_ns, valid_until_ns FROM dropwatch.namespaces WHERE host = {good};
        INSERT INTO dropwatch.counters SELECT {evil}, counter, collector, 'not so', namespace, ifindex, interface,
            labels, gauge FROM dropwatch.counters WHERE host = {good}""")  # noqa: S608 - numbers of this test
    assert _drops(central, capsys) == [("evil", "eth0", 1005), ("good", "eth0", 5)]
    asked(central, f"DELETE FROM dropwatch.runs WHERE host = {evil} AND run = {run}")  # noqa: S608
    assert _drops(central, capsys) == [("evil", "eth0", 5), ("good", "eth0", 5)]
    assert run_report(["counters", *_WINDOW, "--database", central]) == 0
    assert "not so" not in capsys.readouterr().out
    asked(central, f"DELETE FROM dropwatch.hosts WHERE host = {evil}")  # noqa: S608
    assert _drops(central, capsys) == [("good", "eth0", 5)]


def _drops(central: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, int]]:
    capsys.readouterr()
    assert run_report(["--by", "host,interface", "--format", "json", *_WINDOW, "--database", central]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    return sorted((row["host"], row["interface"], row["count"]) for row in groups)


def test_nonsense_that_would_stop_every_report_is_refused(central: str, live: Live) -> None:
    """A host may write what it likes about itself, but not numbers whose sums nobody can read."""
    life = live()
    life.go_on(60, {KEY: 5, KEY._replace(location=Location(None, address=2**64 - 1)): 1}, {COUNTERS[0]: 5})
    life.stop()
    send_all(Target(central, life.path, packets=True))
    for table, nonsense in (
            ("drops", "count = 9223372036854775807"), ("drops", "count = -1"), ("drops", "bytes = 9223372036854775807"),
            ("runs", "started_ns = -9223372036854775808"), ("watches", "until_ns = 9223372036854775807"),
            ("watches", "limits = 'x'"), ("watches", "limits = '{}'"), ("counters", "labels = '[1]'"),
            ("watches", "limits = '[1]'"), ("counters", """labels = '{"a": []}'"""), ("packets", "details = '{'"),
            ("locations", "address = 'x', location = dropwatch.key(symbol, \"offset\"::text, module, 'x')")):
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InvalidTextRepresentation)):
            asked(central, f"UPDATE dropwatch.{table} SET {nonsense}")  # noqa: S608 - of this test


def test_names_have_letters_of_all_sorts(server: Server, central: str, live: Live,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever encoding psql is told to use; a database that has not all letters is refused when it is set up."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    names = ["höst €", "\u202e\x1b[2J", "a\0b", "\U0001f600" * 3000, "1:a,2:b", "'\";--\n\\"]
    for number, name in enumerate(names):
        life = live(f"host-{number}")
        life.rename(name)
        life.go_on(60, {KEY._replace(location=KEY.location._replace(symbol=name)): 5})
        send_all(Target(central, life.path))
    monkeypatch.delenv("PGCLIENTENCODING")
    assert {*asked(central, "SELECT hostname, symbol FROM dropwatch.hosts JOIN dropwatch.drops USING (host)"
                            " JOIN dropwatch.locations USING (location)")} == {
        (name.replace("\0", "\\x00"),) * 2 for name in names}
    asked(server.url(), "CREATE DATABASE copy_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(FleetError, match="ENCODING 'UTF8'"):
        set_up(server.url("copy_latin1"))


def test_sums_beyond_64_bits_do_not_stop_the_tidying(central: str, live: Live) -> None:
    """What one host's gauge says is no reason to keep the days of all."""
    life = live(start=int(time.time()) - 5 * _DAY_S)
    life.go_on(60, {KEY: 5}, {GAUGE: 2**62})
    life.go_on(60, {KEY: 5}, {GAUGE: 2**62})
    life.go_on(60)
    life.stop()
    send_all(Target(central, life.path))
    tidy(central, 2)
    assert asked(central, "SELECT count(*) FROM dropwatch.drops") == [(0,)]


def test_a_session_is_left_as_it_was(central: str) -> None:
    """A pool gives it to others."""
    state = "SELECT name, setting FROM pg_settings UNION ALL SELECT statement, '' FROM pg_prepared_statements"
    with connect(central) as connection:
        before = connection.execute(state).fetchall()
        for _ in range(9):
            connection.execute("SELECT 1")
        assert connection.execute(state).fetchall() == before
    with opened(central) as pulled:
        pulled.pull(Scope(0, 10**9))
        source: psycopg.Connection[tuple[str, str]] = pulled.pull.__self__.source  # type: ignore[attr-defined]
        source.execute("COMMIT")
        assert {*source.execute(state)} == {*before}


@pytest.mark.parametrize(("told", "is_kept"), [
    (None, False), ("garbage", True), ("9" * 40, True), ("-5", True), ("ahead", True), ("sent", False), ("fifo", True),
    ("link", True), ("folder", True)])
def test_what_the_sender_tells_is_no_more_than_a_time(live: Live, told: str | None, *, is_kept: bool) -> None:
    """Its file is another user's: whatever lies there, the daemon goes on, and keeps some days longer what may wait."""
    life = live(start=int(time.time()) - 4 * _DAY_S)
    life.go_on(60, {KEY: 5})
    life.go_on(4 * _DAY_S - 120)
    place = life.path.parent / "upload" / "sent"
    if told:
        place.parent.mkdir()
    if told == "fifo":
        os.mkfifo(place)
    elif told == "link":
        place.symlink_to("/dev/zero")
    elif told == "folder":
        place.mkdir()
    elif told:
        ahead = {"ahead": _DAY_S, "sent": -_DAY_S}.get(told)
        place.write_text(told if ahead is None else str(int((time.time() + ahead) * 1e9)))
    life.expire(2)
    with closing(sqlite3.connect(life.path)) as connection:
        assert bool(connection.execute("SELECT count(*) FROM drops").fetchone()[0]) is is_kept
