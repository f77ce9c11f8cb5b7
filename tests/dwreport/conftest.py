"""Histories made for reports to read: real SQLite files, with the schema of the daemon."""

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, insert, select, text

from dropwatchd.history import schema
from dropwatchd.history.older import old_watches
from dropwatchd.history.views import VIEWS
from dropwatchd.model import NANO
from dwreport.__main__ import run

START_NS = 1_763_805_600 * NANO  # 2025-11-22 10:00:00 UTC
HOUR_NS = 3600 * NANO


class History:
    """Writes rows as the daemon would; every method fills in what a test does not care for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(f"sqlite:///{path}")
        with self._engine.begin() as connection:
            schema.metadata.create_all(connection)
            for name, body in VIEWS.items():
                connection.execute(text(f"CREATE VIEW {name} AS {body}"))
            connection.execute(text(f"PRAGMA application_id = {schema.APPLICATION_ID}"))
            connection.execute(text("CREATE TABLE alembic_version (version_num TEXT NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": schema.REVISION})

    def close(self) -> None:
        self._engine.dispose()

    def run(self, since_ns: int = START_NS, until_ns: int | None = START_NS + HOUR_NS, **values: object) -> int:
        """Add a run that watched until it was ended at `until_ns`; `source` is what reports print of its sources."""
        source, last_seen_ns = str(values.pop("source", "bpf")), values.pop("last_seen_ns", until_ns)
        run = self._add(schema.runs, {
            "machine_id": "m-1", "boot_id": "b-1", "hostname": "web-3", "kernel": "6.18.0", "version": "0.1.0",
            "started_ns": since_ns, "ended_ns": until_ns, "ending": "stopped", **values})
        for _run, what, name, since, until in old_watches([(run, source, since_ns, last_seen_ns)], []):
            self.watch(run, what, name, since, until)
        return run

    def watch(self, run: int, what: str, name: str, since_ns: int, until_ns: int, **values: object) -> None:
        """Add that something was watched."""
        key = {"run_id": run, "what": what, "name": name, "since_ns": since_ns, "namespace_id": None, **values}
        self._known(schema.watches, key, until_ns=until_ns, limits="[]", ending="")

    def _unwatch(self, run: int, since_ns: int, until_ns: int, scope: object) -> None:
        """Take the time of a gap out of what was watched for drops, as the daemon does."""
        w = schema.watches.c
        with self._engine.begin() as connection:
            held = connection.execute(select(schema.watches).where(
                w.run_id == run, w.what.in_(["software", "hardware"] if scope == "drops" else [scope]),
                w.since_ns < until_ns, w.until_ns > since_ns)).mappings().all()
            for row in held:
                connection.execute(schema.watches.delete().where(w.id == row["id"]))
                for since, until in ((row["since_ns"], since_ns), (until_ns, row["until_ns"])):
                    if since < until:
                        part = {**row, "id": None, "since_ns": since, "until_ns": until}
                        connection.execute(insert(schema.watches).values(part))

    def namespace(self, inode: int | None, name: str | None = "init") -> int | None:
        """Return the row of a namespace, by the inode that stands for it in these tests."""
        if inode is None:
            return None
        kind = {"init": "initial", None: None}.get(name, "netns")
        row = self._known(schema.namespaces, {"boot_id": "b-1", "cookie": None, "inode": inode, "name": name},
                          kind=kind, entity=0, valid_from_ns=START_NS, valid_until_ns=START_NS)
        self.execute(f"UPDATE namespaces SET entity = (SELECT min(id) FROM namespaces n WHERE n.inode = {inode})"  # noqa: S608
                     f" WHERE inode = {inode}")
        return row

    def drop(self, run: int, time_ns: int, count: int = 1, **values: object) -> None:
        """Add a window of a second that begins with its first drop; `values` go to the tables that have them."""
        location = {"symbol": "udp_queue_rcv_one_skb", "offset": 0x1F, "module": None, "address": None}
        kind = {"reason": "SOCKET_RCVBUFF", "protocol": 0x0800, "origin": "software", "trap": None, "trap_group": None}
        named = {"netns": 4026531840, "netns_name": "init", **values}
        interface = {"boot_id": "b-1", "ifindex": 2, "name": "eth0",
                     "namespace_id": self.namespace(named["netns"], named["netns_name"])}  # type: ignore[arg-type]
        window = {"window_start_ns": time_ns, "window_width_ns": NANO, "count": count, "bytes": 100 * count,
                  "first_ns": time_ns, "last_ns": time_ns}
        for row in (location, kind, interface, window):
            row |= {name: value for name, value in values.items() if name in row}
        self._add(schema.drops, window | {
            "run_id": run,
            "location_id": self._known(schema.locations, location),
            "kind_id": self._known(schema.kinds, kind),
            "interface_id": self._known(schema.interfaces, interface, valid_from_ns=START_NS, valid_until_ns=time_ns),
        })

    def many_drops(self, run: int, count: int) -> None:
        """Add so many windows, one a second, of the kind and place that `drop` has by default."""
        self.drop(run, START_NS)
        self.execute(f"""
            WITH RECURSIVE second(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM second WHERE n < {count - 1})
            INSERT INTO drops SELECT window_start_ns + n * {NANO}, window_width_ns, run_id, location_id, kind_id,
                   interface_id, count, bytes, first_ns + n * {NANO}, last_ns + n * {NANO} FROM drops, second""")  # noqa: S608

    def counter(self, run: int, name: str, delta: int, until_ns: int = START_NS + 10 * NANO, **values: object) -> None:
        """Add a counter that moved in the ten seconds before `until_ns`."""
        netns = values.pop("netns", 4026531840)
        counter: dict[str, object] = {
                   "collector": "snmp", "name": name, "ifindex": None, "interface": None, "gauge": False,
                   "namespace_id": self._any(netns), "labels": json.dumps(values.get("labels", {}))}
        counter |= {field: value for field, value in values.items() if field in counter and field != "labels"}
        self._add(schema.counter_changes, {
            "run_id": run, "counter_id": self._known(schema.counters, counter), "delta": delta,
            "since_ns": values.get("since_ns", until_ns - 10 * NANO), "until_ns": until_ns})

    def looked(self, run: int, name: str, time_ns: int = START_NS, **values: object) -> None:
        """Add that a counter was read when the run began."""
        netns = values.pop("netns", 4026531840)
        counter = {"collector": "snmp", "name": name, "ifindex": None, "interface": None, "labels": "{}",
                   "gauge": False, "namespace_id": self._any(netns), **values}
        self.watch(run, "counters", str(counter["collector"]), time_ns, time_ns, namespace_id=counter["namespace_id"])
        self._add(schema.counter_starts, {"run_id": run, "counter_id": self._known(schema.counters, counter),
                                          "time_ns": time_ns, "value": 0})

    def visited(self, run: int, first_ns: int, last_ns: int, netns: int = 4026531840) -> None:
        """Add that the counters of a namespace were read between two times."""
        self.watch(run, "counters", "snmp", first_ns, last_ns, namespace_id=self._any(netns))

    def _any(self, inode: object) -> int | None:
        """Return a row of a namespace, whatever it is called; None stands for the whole host."""
        if not isinstance(inode, int):
            return None
        with self._engine.begin() as connection:
            same = schema.namespaces.c.inode == inode
            found = connection.execute(select(schema.namespaces.c.id).where(same)).scalar()
        return self.namespace(inode, "init" if inode == 4026531840 else None) if found is None else found

    def gap(self, run: int, since_ns: int, until_ns: int, **values: object) -> None:
        """Add a row to the ledger; what it calls blind was not watched."""
        row = {"run_id": run, "since_ns": since_ns, "until_ns": until_ns, "cause": "map full", "effect": "blind",
               "scope": "drops", "lost": None, "detail": "", **values}
        self._add(schema.gaps, row)
        if row["effect"] == "blind":
            self._unwatch(run, since_ns, until_ns, row["scope"])

    def event(self, run: int, time_ns: int, kind: str, subject: str, **values: object) -> None:
        """Add something that happened."""
        self._add(schema.events, {"run_id": run, "time_ns": time_ns, "kind": kind, "subject": subject, "detail": "",
                                  "namespace_id": self._any(values.pop("netns", 4026531840)), "ifindex": 2, **values})

    def packet(self, run: int, time_ns: int, data: bytes, **values: object) -> None:
        """Add a sampled packet of the kind and place that `drop` has by default."""
        self._add(schema.packets, {
            "time_ns": time_ns, "run_id": run, "location_id": 1, "kind_id": 1, "interface_id": 1,
            "length": len(data), "weight": 1, "link_header": True, "data": data, "details": None, **values})

    def stack(self, run: int, *frames: str, symbol: str, reason: str = "") -> None:
        """Add how the kernel came to the first drop in a function, where `drop` has them by default."""
        place = {"symbol": symbol, "offset": 0x1F, "module": None, "address": None}
        self._add(schema.first_stacks, {
            "run_id": run, "location_id": self._known(schema.locations, place), "reason": reason,
            "stack_id": self._known(schema.stacks, {"frames": "\n".join(frames)})})

    def execute(self, sql: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(sql))

    def _add(self, table: Table, row: Mapping[str, object]) -> int:
        with self._engine.begin() as connection:
            return _inserted(connection, table, row)

    def _known(self, table: Table, row: Mapping[str, object], **more: object) -> int:
        """Return the id of a row with these values, adding it at first."""
        same = [table.c[name].is_not_distinct_from(value) for name, value in row.items()]
        with self._engine.begin() as connection:
            found = connection.execute(select(table.c.id).where(*same)).scalar()
            return found if found is not None else _inserted(connection, table, {**row, **more})


def _inserted(connection: Connection, table: Table, row: Mapping[str, object]) -> int:
    seen = {"seen_ns": 0} if "seen_ns" in table.c else {}
    result = connection.execute(insert(table).values({**seen, **row}))
    return int((result.inserted_primary_key or (0,))[0] or 0)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history."""
    made = History(tmp_path / "history.db")
    yield made
    made.close()


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a zone whose clock reads as the times in the history do."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Report:
    """Runs dwreport on a history, within the hour that its runs last."""

    def __init__(self, history: History, capsys: pytest.CaptureFixture[str]) -> None:
        self._history = history
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """Return what is written; on standard error are but what rows alone cannot say, and names that are misspelt."""
        since, until = (f"@{ns // NANO}" for ns in (START_NS, START_NS + HOUR_NS))
        assert run(["--since", since, "--until", until, "--database", str(self._history.path), *words]) == code
        out, err = self._capsys.readouterr()
        assert err == "" or {"csv", "jsonl"} & {*words} or " is on record; there" in err
        return out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--format", "json"))

    def csv(self, *words: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self(*words, "--format", "csv"))))


@pytest.fixture
def report(
    history: History, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, utc: None,  # noqa: ARG001
) -> Report:
    """Return what reports on the history, as on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return Report(history, capsys)
