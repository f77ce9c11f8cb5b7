"""Some packets of each key, from all over the window: the same ones whichever way they are looked for."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dropwatchd.history.read import samples
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, PacketSample
from tests.dropwatchd.conftest import KEY, at

OTHER = KEY._replace(kind=KEY.kind._replace(reason="NO_SOCKET"))
SCOPE = Scope(100 * NANO, 1100 * NANO)


@pytest.fixture
def sampled(new_writer: Callable[..., Writer], database: Path) -> Path:
    """A packet in each second of twenty minutes, every tenth of another kind."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(packets=[PacketSample(OTHER if second % 10 == 0 else KEY, second * NANO, 60, b"x")
                                for second in range(1200)]))
    return database


def _taken(database: Path, most: int | None, scope: Scope = SCOPE) -> list[tuple[str | None, int]]:
    return [(packet.key.kind.reason, packet.time_ns // NANO) for packet in read(
        database, lambda connection: list(Reader(connection, scope, scope.until_ns).packets(most)))]


@pytest.mark.parametrize("many", [1, 5000])
def test_so_many_of_each_key_are_taken(sampled: Path, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a rare key, no more of another, in the order of time, from every part of the window."""
    monkeypatch.setattr(samples, "HAS_MANY", samples.HAS_MANY.replace(str(samples.MANY), str(many)))
    taken = _taken(sampled, 100)
    assert Counter(reason for reason, _second in taken) == {"SOCKET_RCVBUFF": 100, "NO_SOCKET": 100}
    assert taken == sorted(taken, key=lambda row: row[1])
    assert all(5 <= count <= 50 for count in Counter(second // 100 for _reason, second in taken).values())
    assert len(_taken(sampled, None)) == 1000


def test_either_way_the_same_are_taken(sampled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their index or put in order: a report does not change as packets become many."""
    found = []
    for many in (1, 5000):
        monkeypatch.setattr(samples, "HAS_MANY", f"SELECT {many == 1}")
        found.append([_taken(sampled, 7), _taken(sampled, 7, Scope(100 * NANO, 300 * NANO, reason=("NO_SOCKET",)))])
    assert found[0] == found[1]
    with sqlite3.connect(sampled) as connection:  # as in a history that has not been brought up
        connection.execute("DROP INDEX packets_scattered")
    monkeypatch.undo()
    assert _taken(sampled, 7) == found[0][0]
