"""dwreport on histories that were damaged at random: the same counts, or one line that says so; never a traceback."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.config import Config
from dropwatchd.history.read import readonly
from dropwatchd.model import NANO
from dropwatchd.verify import verify
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History
from tests.torture.conftest import LONG
from tests.torture.outcome import Outcome

DAMAGES = 300 if LONG else 12
PAGE = 4096
VIEWS: tuple[list[str], ...] = ([], ["drops"], ["counters"], ["timeline"], ["coverage"], ["packets"], ["compare"])
FORMATS = ("table", "json", "csv", "markdown")
VALUES = (None, -5, 2**63 - 1, -2**63, 1e300, "abc", b"\xff\xfe\x00", "\x1b[2J\u202e", "{not json", "[]")

Damage = Callable[[bytearray, random.Random], None]
Capture = pytest.CaptureFixture[str]


def _garbage(data: bytearray, chance: random.Random) -> None:
    at = _page(data, chance)
    data[at:at + PAGE] = chance.randbytes(PAGE)


def _zeros(data: bytearray, chance: random.Random) -> None:
    at = _page(data, chance)
    data[at:at + PAGE] = bytes(PAGE)


def _swapped(data: bytearray, chance: random.Random) -> None:
    one, other = _page(data, chance), _page(data, chance)
    data[one:one + PAGE], data[other:other + PAGE] = data[other:other + PAGE], data[one:one + PAGE]


def _truncated(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)):]


def _bytes(data: bytearray, chance: random.Random) -> None:
    at = _page(data, chance)
    for _ in range(8):
        data[at + chance.randrange(PAGE)] = chance.randrange(256)


def _bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _page(data: bytearray, chance: random.Random) -> int:
    return chance.randrange(len(data) // PAGE) * PAGE


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A history with something in each of its tables."""
    history = History(tmp_path_factory.mktemp("whole") / "history.db")
    history.execute("PRAGMA synchronous = OFF")
    one, other = history.run(), history.run(START_NS + 600 * NANO, boot_id="b-2", hostname="web-4")
    for number in range(400):
        history.drop((one, other)[number % 2], START_NS + number * 3 * NANO, 1 + number % 70,
                     symbol=f"function_{number % 40}", reason=f"REASON_{number % 23}", name=f"eth{number % 5}")
    for number in range(100):
        history.counter(one, f"Counter{number}", number, labels={"queue": str(number)}, interface=f"eth{number % 5}")
        history.packet(one, START_NS + number * NANO, bytes(range(64)))
    history.gap(one, START_NS + 5 * NANO, START_NS + 6 * NANO)
    history.event(one, START_NS + 7 * NANO, "down", "eth0")
    history.looked(one, "UdpNoPorts")
    history.visited(one, START_NS, START_NS + HOUR_NS)
    history.close()
    return history.path.read_bytes()


class Reports:
    """All views of one history, each in a format of its own choice."""

    def __init__(self, database: Path, capsys: Capture) -> None:
        self.database = database
        self._capsys = capsys

    def __call__(self, *words: str) -> str | None:
        """Return what a report writes, None where it ends with one line that says why not."""
        since, until = (f"@{ns // NANO}" for ns in (START_NS, START_NS + HOUR_NS))
        code = run([*words, "--since", since, "--until", until, "--database", str(self.database)])
        out, err = self._capsys.readouterr()
        assert code in {0, 1}
        told = err.splitlines()  # of rows alone, that there may be others
        assert all(line.startswith("dwreport: ") for line in told), err
        assert len(told) == 1 if code else not told or {"csv", "jsonl"} & {*words}, err
        return None if code else out

    def total(self) -> int | None:
        """Return how many drops are counted, None where that is refused."""
        text = self("drops", "--format", "json")
        return None if text is None else sum(row["count"] for row in json.loads(text)["drops"])

    def all(self, chance: random.Random) -> None:
        for view in VIEWS:
            self(*view, "--format", chance.choice(FORMATS))


@pytest.fixture
def reports(tmp_path: Path, capsys: Capture) -> Reports:
    return Reports(tmp_path / "history.db", capsys)


@pytest.mark.parametrize("damage", [_garbage, _zeros, _swapped, _truncated, _bytes, _bit], ids=lambda f: f.__name__[1:])
def test_no_damage_passes_unseen(
    whole: bytes, reports: Reports, damage: Damage, capsys: Capture, outcome: Callable[[str], Outcome],
) -> None:
    """Counts differ only where a changed value is as good as the right one, for all that a whole check can tell."""
    chance, told = random.Random(damage.__name__), outcome("a damaged history is reported on")
    reports.database.write_bytes(whole)
    right = reports.total()
    assert right
    for number in range(DAMAGES // 6):
        data = bytearray(whole)
        damage(data, chance)
        reports.database.write_bytes(data)
        total = reports.total()
        if total not in {right, None}:
            assert verify(Config(database=str(reports.database))) == 0, f"{damage.__name__} {number}: {total}"
            capsys.readouterr()
        reports.all(chance)
        told.add()


@pytest.mark.parametrize("damage", [_garbage, _bytes], ids=lambda f: f.__name__[1:])
def test_a_large_history_gives_no_traceback(
    whole: bytes, reports: Reports, damage: Damage, monkeypatch: pytest.MonkeyPatch, outcome: Callable[[str], Outcome],
) -> None:
    """It is not looked through before it is read."""
    told = outcome("a damaged history is reported on")
    monkeypatch.setattr(readonly, "_SMALL_BYTES", 0)
    chance = random.Random(damage.__name__)
    for _ in range(DAMAGES // 6):
        data = bytearray(whole)
        damage(data, chance)
        reports.database.write_bytes(data)
        reports.all(chance)
        told.add()


@pytest.mark.parametrize("small", [True, False])
def test_wrong_values_give_no_traceback(
    whole: bytes, reports: Reports, small: bool, monkeypatch: pytest.MonkeyPatch, outcome: Callable[[str], Outcome],
) -> None:
    """Anything in any column."""
    told = outcome("a history of wrong values is reported on")
    if not small:
        monkeypatch.setattr(readonly, "_SMALL_BYTES", 0)
    chance = random.Random(1)
    reports.database.write_bytes(whole)
    with closing(sqlite3.connect(reports.database)) as connection:
        columns = [(table, column) for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")]
    cases = [(table, column, value) for table, column in columns for value in VALUES]
    for table, column, value in cases if LONG else chance.sample(cases, DAMAGES):
        reports.database.write_bytes(whole)
        if _put(reports.database, table, column, value):
            reports.all(chance)
            told.add()


def _put(database: Path, table: str, column: str, value: object) -> bool:
    """Put a value into a column of all rows, or of one where they must differ; say whether SQLite let it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        try:
            return connection.execute(f'UPDATE OR IGNORE {table} SET "{column}" = ?',  # noqa: S608 - of the schema
                                      (value,)).rowcount > 0
        except sqlite3.IntegrityError:
            return False
