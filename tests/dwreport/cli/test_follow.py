"""--follow: each packet that is recorded is in one line, whatever becomes of rows; it ends when nobody reads."""

import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.connection import connect, transaction
from dropwatchd.history.write.fold import MINUTE_NS, fold_windows
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import (
    NANO,
    Drop,
    DropKey,
    Effect,
    Gap,
    GapCause,
    Instant,
    Interface,
    Kind,
    Location,
    Watch,
    Watching,
    Window,
)
from dwreport.__main__ import run
from dwreport.cli.wake import Wake, pause_s
from dwreport.evidence.asked import asked_of
from dwreport.evidence.endpoints import port
from dwreport.report.wanted import Wanted
from dwreport.views._growth import begin, look
from dwreport.views._stream import Rows, Update
from tests.dwreport.conftest import START_NS, History

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60
# Who starts the tests in the background of a shell has them ignore Ctrl-C.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from dwreport.__main__ import main
main()
"""


def _window(time_ns: int, count: int, reason: str = "SOCKET_RCVBUFF", name: str = "eth0") -> Window:
    key = DropKey(Location("udp_queue_rcv_one_skb", 1), Kind(reason, 0x0800), Interface(1, 2, name, "init", 9))
    return Window(time_ns - time_ns % NANO, NANO, Drop(key, count, 100 * count, time_ns, time_ns))


def _watched(since_ns: int, until_ns: int) -> list[Watch]:
    since, until = Instant(since_ns, since_ns), Instant(until_ns, until_ns)
    return [Watch(Watching("software", "bpf"), since, until), Watch(Watching("daemon"), since, until)]


@pytest.fixture
def writer(history: History) -> Iterator[Writer]:
    """Return the writer of a daemon whose run begins now."""
    with closing(sqlite3.connect(history.path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    made = Writer(history.path, Identity("web-3", "m-1", "b-1", "6.18.0"))
    made.start(Instant(time.time_ns(), time.time_ns()))
    yield made
    made.close()


class Following:
    """A dwreport that follows, and the lines that it has written."""

    def __init__(self, history: History, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *words, "--database", str(history.path)], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TZ": "UTC"})
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out, self.err = self.process.stdout, self.process.stderr
        self._held = {self.out: b"", self.err: b""}

    def lines(self, count: int, *, of_errors: bool = False) -> list[str]:
        """Return the next lines, as soon as there are so many."""
        stream = self.err if of_errors else self.out
        deadline = time.monotonic() + DEADLINE_S
        while self._held[stream].count(b"\n") < count:
            assert select.select([stream], [], [], deadline - time.monotonic())[0], self._held
            read = os.read(stream.fileno(), 65536)
            assert read, self._held
            self._held[stream] += read
        *found, rest = self._held[stream].split(b"\n", count)
        self._held[stream] = rest
        return [line.decode() for line in found]

    def said(self, text: str) -> str:
        """Return the next line on standard error that has a text: on a slow machine there may be others."""
        while text not in (line := self.lines(1, of_errors=True)[0]):
            pass
        return line

    def end(self, how: signal.Signals) -> int:
        """Send a signal, and return how it has ended."""
        self.process.send_signal(how)
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()


@pytest.fixture
def following() -> Iterator[list[Following]]:
    """Return a list of those that are ended with the test."""
    started: list[Following] = []
    yield started
    for one in started:
        one.close()


def test_each_window_is_told_once_as_the_daemon_writes(
    history: History, writer: Writer, following: list[Following],
) -> None:
    """Old ones with --since; a window that grows is told with what is new in it; what filters leave out is not."""
    begun_ns = time.time_ns()
    writer.write(Batch(windows=[_window(begun_ns, 3)], watches=_watched(begun_ns, time.time_ns())))
    following += [Following(history, "drops", "--follow", "--since", "1h", "--format", "jsonl"),
                  Following(history, "drops", "-f", "--interface", "eth0", "--since", "1h"),
                  Following(history, "-f", "--format", "jsonl")]
    rows, table, found = following
    (first,) = map(json.loads, rows.lines(1))
    assert (first["count"], first["bytes"], first["harm"], first["interface"]) == (3, 300, "harmful", "eth0")
    titles, line = table.lines(2)
    assert titles.split() == ["FIRST", "COUNT", "REASON", "PROTO", "WHERE", "INTERFACE"]
    assert line.split()[1:] == ["3", "SOCKET_RCVBUFF", "ipv4", "udp_queue_rcv_one_skb", "eth0"]
    (finding,) = map(json.loads, found.lines(1))
    assert (finding["count"], finding["severity"]) == (3, "harmful")
    total = 3
    for step in range(1, 4):
        new = [_window(begun_ns, step), _window(begun_ns - HOUR_NS // 2, 10), _window(begun_ns, 100, name="eth1")]
        writer.write(Batch(windows=new, watches=_watched(begun_ns, time.time_ns())))
        told = [json.loads(line) for line in rows.lines(3)]
        assert sorted((row["count"], row["bytes"]) for row in told) == [(step, 100 * step), (10, 1000), (100, 10000)]
        total += sum(row["count"] for row in told)
        assert sorted(line.split()[1] for line in table.lines(2)) == sorted([str(step), "10"])
    with closing(sqlite3.connect(history.path)) as connection:
        assert connection.execute("SELECT sum(count) FROM drops").fetchone() == (total,)
    gap = Gap(begun_ns, begun_ns + NANO, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 7, "software", "")
    writer.write(Batch(gaps=[gap]))
    said = rows.said("kernel queue overflow")
    assert said.startswith("dwreport: 7 drops missed from ")
    assert said.endswith("for 1.0 s: kernel queue overflow")
    writer.finish(Instant(time.time_ns(), time.time_ns()), "stopped")
    assert rows.said("dropwatchd has ended; whether packets are dropped is unknown")
    assert rows.end(signal.SIGINT) == 130
    assert b"Traceback" not in rows.err.read()
    assert rows.out.read() == b""


def test_without_a_begin_only_what_is_new_is_told_and_a_closed_pipe_ends_it(
    history: History, writer: Writer, following: list[Following],
) -> None:
    """At once, and not when the next packets are dropped."""
    now_ns = time.time_ns()
    writer.write(Batch(windows=[_window(now_ns, 3)], watches=_watched(now_ns, now_ns)))
    following.append(Following(history, "drops", "--follow", "--format", "csv"))
    assert following[0].lines(1)[0].startswith("window_start,window_seconds,count,")
    writer.write(Batch(windows=[_window(now_ns, 4)]))
    assert following[0].lines(1)[0].split(",")[2:4] == ["4", "400"]
    following[0].out.close()
    assert following[0].process.wait(DEADLINE_S) == 0
    assert b"Traceback" not in following[0].err.read()


def test_what_a_filter_may_hide_is_told_as_it_comes(history: History) -> None:
    """Once: of devices that are not on record, and of windows without a sample."""
    run, now_ns = history.run(), START_NS + 600 * NANO
    only = asked_of([], [port("53")], (), {})
    devices, ports = (Rows(Wanted(), now_ns, START_NS) for _ in range(2))

    def told(rows: Rows) -> tuple[list[str], int]:
        def look(connection: sqlite3.Connection) -> Update:
            scope = Scope(*rows.scope(now_ns))
            scope = replace(scope, interface=("eth0",)) if rows is devices else replace(scope, only=only)
            return rows.look(Reader(connection, scope, now_ns))

        update = read(history.path, look)
        update.seen()
        return [line.partition(" may")[0] for line in update.said], sum(row.count for row in update.rows)

    history.drop(run, START_NS + NANO, 5, name=None, reason="A", netns=None, netns_name=None, protocol=None)
    history.drop(run, START_NS + NANO, 7)
    assert told(devices) == (["5 more drops"], 7)
    assert told(ports) == (["12 more drops"], 0)
    assert told(devices) == told(ports) == ([], 0)
    history.drop(run, START_NS + 9 * NANO, 1, name=None, reason="A", netns=None, netns_name=None, protocol=None)
    assert told(devices) == told(ports) == (["1 more drop"], 0)


@pytest.mark.parametrize("seed", range(6))
def test_growth_adds_up_whatever_becomes_of_rows(history: History, seed: int) -> None:
    """Through batches of any times, rows that fold into wider ones, and a history that takes the place of another."""
    chosen = random.Random(seed)
    written = connect(history.path)
    now_ns = START_NS
    writer = Writer(history.path, Identity("web-3", "m-1", "b-1", "6.18.0"))
    writer.start(Instant(now_ns, now_ns))
    growth, told, total, missed = begin(now_ns, now_ns), 0, 0, 0
    for step in range(30):
        now_ns += chosen.choice([NANO, 60 * NANO, 1800 * NANO])
        windows = [_window(now_ns - chosen.choice([0, 5, 600, 1700]) * NANO, chosen.randint(1, 9), f"R{reason}")
                   for reason in range(chosen.randint(0, 3))]
        if step == 20:  # as after a clock that was set back
            windows.append(_window(START_NS - 5 * HOUR_NS, 1000))
        writer.write(Batch(windows=windows, watches=_watched(START_NS, now_ns)))
        total += sum(window.drop.count for window in windows)
        if chosen.random() < 0.4:
            with transaction(written) as connection:
                while fold_windows(connection, chosen.choice([MINUTE_NS, HOUR_NS]), now_ns):
                    pass
        with closing(sqlite3.connect(history.path)) as connection:
            grown = look(Reader(connection, Scope(growth.floor_ns, 2**62), now_ns), growth)
        told += sum(window.drop.count for _host, window in grown.new)
        assert all(window.drop.count > 0 for _host, window in grown.new)
        missed += grown.missed
        growth = grown.now
        assert told + missed == total
    assert missed in {0, 1000}
    assert len(growth.rows) < 40
    writer.close()
    written.close()


@pytest.mark.parametrize(("words", "said"), [
    (["counters", "--follow"], "--follow is for drops and for the report"),
    (["drops", "--follow", "--until", "now"], "--follow has no --until"),
    (["drops", "--follow", "--format", "json"], "--follow has no --format json here; it has table, jsonl, csv"),
    (["--follow", "--format", "csv"], "--follow has no --format csv here; it has table, jsonl"),
    (["drops", "--follow", "--interface", "eth7"], "no interface eth7 is on record"),
    (["--follow", "export", "--pcapng", "x"], "export has no --follow"),
])
def test_wrong_usage_is_told(history: History, capsys: pytest.CaptureFixture[str], words: Sequence[str], said: str,
                             ) -> None:
    history.drop(history.run(), START_NS)
    assert run([*words, "--database", str(history.path)]) == 2
    assert said in capsys.readouterr().err


def test_no_history_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody knows what will be there."""
    assert run(["drops", "--follow", "--database", str(tmp_path / "none.db")]) == 1
    assert "no history here" in capsys.readouterr().err


def test_an_update_that_took_long_has_a_long_pause() -> None:
    """No more than a twentieth of a CPU goes into a live view; and a second is the least."""
    assert [pause_s(cost_s) for cost_s in (0.0, 0.05, 0.4)] == [1.0, 1.0, 8.0]


def test_a_pause_ends_with_the_reader(tmp_path: Path) -> None:
    """Who closes the pipe does not wait for the next update."""
    ours, theirs = os.pipe()
    with Wake(tmp_path / "history.db", output=theirs) as wake:
        wake.rest(time.monotonic() - 1)
        os.close(ours)
        with pytest.raises(BrokenPipeError):
            wake.rest(time.monotonic() + DEADLINE_S)
    os.close(theirs)


def test_a_wait_says_whether_anything_was_written(tmp_path: Path) -> None:
    """Of a silence there is nothing new to be found."""
    with Wake(tmp_path / "history.db") as wake:
        assert wake.written  # before the first look there may be
        wake.wait(0.01)
        assert not wake.written
        (tmp_path / "other.db").write_bytes(b"x")
        wake.wait(0.01)
        assert not wake.written
        (tmp_path / "history.db-wal").write_bytes(b"x")
        wake.wait(DEADLINE_S)
        assert wake.written
