"""What dwreport says of a central history is what it says of each host's own."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from dropwatchd.history.fleet.connect import script
from dropwatchd.history.fleet.pull import opened
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.read.settings import levels
from dropwatchd.history.schema import metadata
from dropwatchd.history.write.fold import MINUTE_NS
from dropwatchd.model import NANO
from dropwatchd.upload.loop import Target, send_all
from dwreport.__main__ import run
from tests.fleet.conftest import asked
from tests.fleet.life import COUNTERS, KEY, KEYS, START, Life
from tests.fleet.server import Server

Live = Callable[..., Life]
VIEWS: list[tuple[str, ...]] = [
    (), ("drops",), ("counters",), ("timeline",), ("coverage",), ("packets",), ("compare", "--with", f"@{START}"),
    ("hosts",), ("incidents",), ("runs",), ("causes",),
    ("--by", "reason,interface"), ("--by", "host,hour"), ("--reason", "NO_SOCKET"), ("--netns", "init"),
    ("--interface", "!lo"), ("--boot", "0"), ("--run", "1"), ("timeline", "--location", "udp_*")]


def said(capsys: pytest.CaptureFixture[str], database: object, *words: str) -> Any:
    capsys.readouterr()
    window = ["--since", f"@{START + 600}", "--until", f"@{START + 2400}"]
    if {"--boot", "--run"} & {*words}:
        window = []
    assert run([*words, "--database", str(database), "--format", "json", *window]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def _text(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run([*words, "--since", f"@{START}", "--until", f"@{START + 3600}", "--width", "120"]) == code
    told = capsys.readouterr()
    return told.out + told.err


def in_minutes(life: Life) -> Path:
    """Return a copy of a history in the minutes in which it is sent, all of them."""
    copy = life.path.with_name("minutes.db")
    with closing(sqlite3.connect(life.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(life.path, copy)
    there, life.path = life.path, copy
    life.fold(MINUTE_NS)
    life.path = there
    return copy


def test_every_view_says_the_same(central: str, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    """Of windows that begin and end with a minute; samples and their evidence come where packets are sent."""
    life, chance = live(), Random(7)
    for number in range(240):
        life.random(chance, 10)
        if number in {60, 130}:
            life.restart()
        if number in {100, 180}:
            send_all(Target(central, life.path, packets=True))
    life.stop()
    send_all(Target(central, life.path, packets=True))
    here = in_minutes(life)
    for words in VIEWS:
        assert said(capsys, central, *words) == said(capsys, here, *words), words


def test_only_what_is_asked_for_is_taken_out(central: str, live: Live) -> None:
    """A table comes when a query names it; what counters moved is added up, and by itself for a part of the window."""
    life, chance = live(), Random(3)
    for _ in range(60):
        life.random(chance, 30)
    life.stop()
    send_all(Target(central, life.path))
    whole, part = (Scope((START + since) * NANO, (START + until) * NANO) for since, until in ((0, 3600), (600, 1200)))
    with opened(central) as connection, closing(sqlite3.connect(in_minutes(life))) as own:
        taken = connection.pull(whole)
        with pytest.raises(sqlite3.OperationalError, match="no such table: drops"):
            sqlite3.Connection.execute(taken, "SELECT count(*) FROM drops")
        for table in ("counter_changes", "drops"):
            for scope in (whole, part):
                there, here = (Reader(one, scope, whole.until_ns) for one in (connection, own))
                assert {(row.name, row.delta, row.straddling) for row in there.counters()} == {
                    (row.name, row.delta, row.straddling) for row in here.counters()}
                there_set, here_set = ([(one.name, one.value, one.since_ns, one.until_ns)
                                        for one in levels(reader, "device")] for reader in (there, here))
                assert there_set == here_set
                assert len(there_set) > 1
            count = f"SELECT count(*) FROM {table} d JOIN runs ON runs.id = run_id"  # noqa: S608 - names of ours
            [(there_many,)], [(here_many,)] = (list(one.execute(count)) for one in (taken, own))
            assert 0 < there_many <= here_many
        coarse = connection.pull(Scope(whole.since_ns, whole.until_ns, host="web-1"))
        assert [*coarse.execute("SELECT max(many) FROM (SELECT count(*) AS many FROM counter_changes JOIN counters"
                                " ON counters.id = counter_id WHERE NOT gauge GROUP BY run_id, counter_id)")] == [(1,)]


def test_findings_of_many_hosts(central: str, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    """On how many hosts the same is, and where it began; a host that is silent is not one without drops."""
    for number, name in enumerate(("web-1", "web-2", "web-3", "db-1", "db-2")):
        life = live(name)
        for minute in range(30 if name != "db-2" else 3):
            lost = 50 if name.startswith("web") and minute > 14 + number else 0
            life.go_on(60, {KEY: lost} if lost else {KEYS[1]: 1}, {COUNTERS[0]: lost} if lost else {COUNTERS[1]: 1})
        life.stop()
        send_all(Target(central, life.path))
    told = _text(capsys, "--database", central)
    assert re.search(r"HARMFUL +2 100 +3 of 5 +web-1 .*receive buffer was full", told), told
    assert told.index("The same cause on how many hosts") < told.index("FINDING")
    found = {row["host"]: row for row in said(capsys, central, "hosts")["fleet"]}
    assert [row["cause"] for row in said(capsys, central, "hosts")["shared"] if row["hosts"] == 3] == [
        "A socket's receive buffer was full"]
    assert found["db-2"] == {**found["db-2"], "status": "blind", "drops": None, "harmful": None,
                              "suspect": None, "ending": "stopped"}
    assert {row["of"] for row in said(capsys, central, "hosts")["shared"]} == {4}
    assert found["db-1"]["drops"] is not None
    hosts = said(capsys, central, "hosts", "--host", "web-*")
    assert {row["host"] for row in hosts["fleet"]} == {"web-1", "web-2", "web-3"}
    assert "no host mail is on record; there are db-1" in _text(capsys, "--database", central, "--host", "mail", code=2)


def test_hosts_that_cannot_be_of_the_window_are_told(central: str, live: Live,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    """One that stopped before it lowers the coverage of all; clocks that are off are told, not taken for silence."""
    for name, start, minutes in (("here", START, 60), ("gone", START - 7200, 5), ("ahead", START + 7200, 5),
                                 ("behind", START - 7200, 5), ("before", START - 8 * 86_400, 5)):
        life = live(name, start=start)
        for _ in range(minutes):
            life.go_on(60, {KEYS[1]: 1})
        if name in {"gone", "before"}:
            life.stop()
        send_all(Target(central, life.path))
    asked(central, "UPDATE dropwatch.hosts SET ahead_ns = CASE hostname WHEN 'ahead' THEN 7200000000000"
                   " ELSE -7200000000000 END WHERE hostname IN ('ahead', 'behind')")
    told = said(capsys, central, "hosts")
    assert {row["host"]: (row["status"], row["drops"], row["ending"]) for row in told["fleet"]} == {
        "here": ("complete", 30, None), "gone": ("blind", None, "stopped"), "ahead": ("blind", None, "clock off"),
        "behind": ("blind", None, "clock off"), "before": ("blind", None, "stopped")}
    assert (told["coverage"]["status"], told["coverage"]["fraction"]) == ("partial", 0.25)
    gaps = {gap["host"]: gap for gap in told["coverage"]["gaps"]}
    assert gaps["gone"]["cause"] == "no record: dropwatchd was not running"
    assert "was 2 h ahead when it last sent" in gaps["ahead"]["detail"]
    assert "was 2 h behind when it last sent" in gaps["behind"]["detail"]
    assert "clock of the host, which was off" in _text(capsys, "--database", central, "--host", "ahead")
    asked(central, "DELETE FROM dropwatch.hosts WHERE hostname <> 'here'")
    assert said(capsys, central)["coverage"]["status"] == "complete"


def test_each_host_is_judged_by_its_own_record(central: str, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    """What goes on on one is not cut where another was heard of last; nor is that one claimed to go on later."""
    for name, minutes in (("web-1", 40), ("web-2", 20)):
        life = live(name)
        for _ in range(minutes * 6):
            life.go_on(10, {KEY: 5})
        send_all(Target(central, life.path))
    found = said(capsys, central)["findings"]
    assert [(row["hosts"], row["state"]) for row in found] == [(["web-1"], "going on"), (["web-2"], "going on")]
    told = _text(capsys, "--database", central)
    for at in ("10:40:00", "10:20:00"):
        assert re.search(f"since 10:00:00, going on at {at}", told), told
    told = _text(capsys, "--database", central, "incidents")
    assert re.search("going on at 10:40:00 .* web-1", told), told
    assert re.search("going on at 10:20:00 .* web-2", told), told
    assert {row["host"]: row["end"][11:19] for row in said(capsys, central, "incidents")["incidents"]} == {
        "web-1": "10:39:50", "web-2": "10:19:50"}


def test_a_run_has_the_number_that_it_is_asked_for_by(central: str, live: Live, capsys: pytest.CaptureFixture[str],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where of many hosts those alone are taken that are of the window."""
    life = live()
    for _ in range(4):
        life.go_on(1000)
        life.restart()
    life.stop()
    send_all(Target(central, life.path))
    numbers = {row["number"] for row in said(capsys, central, "runs")["runs"]}
    monkeypatch.setattr("dropwatchd.history.fleet.taken._FEW", 0)
    assert {row["number"] for row in said(capsys, central, "runs")["runs"]} == numbers == {-2, -3, -4}


def test_a_copy_of_a_machine_is_not_that_machine(central: str, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    """Where two send by one machine id, one that is silent would be covered by the other."""
    for name, start, minutes in (("web-1", START, 60), ("copy", START + 900, 10)):
        life = live(name, start=start, machine_id="0123456789abcdef" * 2, boots=minutes)
        for _ in range(minutes):
            life.go_on(60, {KEYS[1]: 1})
        send_all(Target(central, life.path))
    found = [gap for gap in said(capsys, central)["coverage"]["gaps"] if gap["cause"] == "two boots at one time"]
    assert [gap["effect"] for gap in found] == ["partial"]
    assert "copy and web-1: machines with one machine id" in found[0]["detail"]


def test_what_is_missing_is_one_line(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """No central history in a database, no such database, no server."""
    asked(server.url(), "CREATE DATABASE nothing TEMPLATE template0")
    for url, what in ((server.url("nothing"), "make one with dropwatchd-upload --setup"),
                      (server.url("elsewhere"), "does not exist"), ("postgresql:///x?host=/nowhere", "psql")):
        assert what in _text(capsys, "--database", url, code=1)


def test_what_is_asked_for_ahead_fails_as_all_does(central: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Counters come while other things are read; what the server says of that is one line too."""
    asked(central, "ALTER TABLE dropwatch.counter_changes RENAME TO other")
    for words in ((), ("hosts",), ("counters",)):
        assert 'relation "dropwatch.counter_changes" does not exist' in _text(
            capsys, *words, "--database", central, code=1)


def test_what_takes_a_hosts_own_history_says_so(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--database", server.url("template1")]) == 2
    assert "takes a host's own history" in capsys.readouterr().err


def test_tables_of_a_report_are_those_of_a_history() -> None:
    """The text that is shipped is what the schema gives."""
    def plain(sql: str) -> list[str]:
        return sql.replace(";", " ").split()

    tables = [str(CreateTable(table).compile(dialect=sqlite.dialect())) for table in metadata.sorted_tables]
    told = script("local.sql").partition("\n\n")[2]
    assert plain(told) == plain(";\n".join(tables) + ";")
