"""Totals: the sum of all drops ever written, told apart up to a bound, whatever becomes of the rows."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from dropwatchd.data import data_folder
from dropwatchd.history.calendar import DAY_NS
from dropwatchd.history.write import totals
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.open import upgrade
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, DropKey, Instant, Interface, Kind, Location, Window
from tests.dropwatchd.conftest import KEY, at, drop, watch

NewWriter = Callable[..., Writer]
COLUMNS = "folded, symbol, reason, origin, trap, interface, netns, count"


def _totals(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM totals ORDER BY id").fetchall()  # noqa: S608 - ours


def _window(second: int, count: int, key: DropKey = KEY) -> Window:
    return Window(second * NANO, NANO, drop(second, count, key))


def _at_device(number: int, symbol: str = "f", reason: str | None = "R") -> DropKey:
    return DropKey(Location(symbol, number), Kind(reason, number), Interface(1, number, f"veth{number}", None, 9))


def test_drops_are_added_up_by_what_people_tell_apart(database: Path, new_writer: NewWriter) -> None:
    """Offsets, protocols, indexes and batches are not."""
    writer = new_writer()
    writer.start(at(1))
    hardware = DropKey(Location(None), Kind(None, None, "hardware", "ttl"), Interface())
    same = DropKey(Location("udp_queue_rcv_one_skb", 0x99), Kind("SOCKET_RCVBUFF", 0x86DD), KEY.interface)
    writer.write(Batch(windows=[_window(2, 3), _window(2, 4, same), _window(2, 9, hardware)]))
    writer.write(Batch(windows=[_window(3, 5)]))
    writer.write(Batch())
    assert _totals(database) == [
        (totals.EXACT, "udp_queue_rcv_one_skb", "SOCKET_RCVBUFF", "software", None, "eth0", "init", 12),
        (totals.EXACT, None, None, "hardware", "ttl", None, None, 9)]


def test_what_has_no_room_is_counted_with_less_detail(
    database: Path, new_writer: NewWriter, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who came first stays apart; of others the place goes first, and none is lost."""
    monkeypatch.setattr(totals, "APART", 2)
    monkeypatch.setattr(totals, "PLACELESS", 1)
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(2, 1, _at_device(1)), _window(2, 2, _at_device(2)),
                                _window(2, 4, _at_device(3)), _window(2, 8, _at_device(4, "g"))]))
    writer.write(Batch(windows=[_window(3, 16, _at_device(4, "g")), _window(3, 32, _at_device(1)),
                                _window(3, 64, _at_device(5)), _window(3, 128, _at_device(6, reason=None))]))
    assert _totals(database) == [
        (0, "f", "R", "software", None, "veth1", "net:[9]", 1 + 32),
        (0, "f", "R", "software", None, "veth2", "net:[9]", 2),
        (1, "f", "R", "software", None, None, None, 4 + 64),
        (2, None, None, "software", None, None, None, 8 + 16 + 128)]


def test_totals_do_not_fall_when_drops_expire(database: Path, new_writer: NewWriter) -> None:
    """Nor when a write fails: it counts once, with the batch that is written after all."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(2, 3)]))
    later = Instant(200 * DAY_NS, 200 * DAY_NS)
    writer.write(Batch(windows=[_window(200 * DAY_NS // NANO, 4)]))
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON watches BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        writer.write(failed := Batch(windows=[_window(5, 100), _window(5, 9, _at_device(1))], watches=[watch(1, 6)]))
    assert [row[-1] for row in _totals(database)] == [7]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER full")
    writer.write(failed)
    while writer.tidy(RetentionOptions(), later):
        pass
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT sum(count) FROM drops").fetchone() == (4,)
    assert [row[-1] for row in _totals(database)] == [107, 9]


def test_an_older_history_has_totals_of_what_is_on_record(tmp_path: Path) -> None:
    """The first keys apart, all others in a row; from there the daemon goes on."""
    path = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = path
    command.upgrade(config, "0006")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"""
            INSERT INTO runs VALUES (1, 'machine', 'b', 'web-3', '6.1', '0.1', 100, 200, 'stopped');
            INSERT INTO namespaces VALUES (1, 1, 'b', 1, 40, NULL, NULL, 0, 9);
            INSERT INTO interfaces VALUES (1, 'b', 1, 2, 'eth0', NULL, NULL, NULL, 0, 9);
            INSERT INTO kinds VALUES (1, 'R', 1, 'software', NULL, NULL, 9), (2, 'R', 2, 'software', NULL, NULL, 9);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {totals.APART + 10})
            INSERT INTO locations SELECT i, 'f' || i, 0, NULL, NULL, 9 FROM n;
            INSERT INTO drops SELECT id, 10, 1, id, 1, 1, 1, 100, id, id FROM locations;
            INSERT INTO drops SELECT id, 20, 1, id, 2, 1, 1, 100, id, id FROM locations""")  # noqa: S608 - a constant of ours
    upgrade(path)
    rows = _totals(path)
    assert len(rows) == totals.APART + 1
    assert rows[0] == (0, "f1", "R", "software", None, "eth0", "net:[40]", 2)
    assert rows[-1] == (2, None, None, "software", None, None, None, 20)
