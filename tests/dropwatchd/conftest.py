"""Records for tests of what becomes of them, and a real history to write them to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropwatchd.collectors import _programs, collector_names, let_go
from dropwatchd.history.write.open import upgrade
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Drop, DropKey, Instant, Interface, Kind, Location, Watch, Watching

KEY = DropKey(Location("udp_queue_rcv_one_skb", 0x12), Kind("SOCKET_RCVBUFF", 0x0800),
              Interface(1, 2, "eth0", "init", 9, "initial"))
IDENTITY = Identity("host", "machine", "boot", "6.18.0")


def drop(second: int, count: int = 1, key: DropKey = KEY, octets: int | None = 100) -> Drop:
    """Return a drop of the given second."""
    return Drop(key, count, octets, second * NANO + 5, second * NANO + 9)


def at(second: float) -> Instant:
    """Return a moment; the clocks of these tests began together."""
    return Instant(int(second * NANO), int(second * NANO))


def watch(since: float, until: float, what: str = "daemon", name: str = "", netns: int | None = None) -> Watch:
    """Return that something was watched from one second to another."""
    return Watch(Watching(what, name, netns), at(since), at(until))


@pytest.fixture(scope="session")
def empty_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a history that was migrated up from nothing."""
    path = tmp_path_factory.mktemp("history") / "empty.db"
    upgrade(path)
    return path


@pytest.fixture
def database(empty_history: Path, tmp_path: Path) -> Path:
    """Return an empty history of the test's own."""
    path = tmp_path / "history.db"
    path.write_bytes(empty_history.read_bytes())
    return path


@pytest.fixture
def new_writer(database: Path) -> Iterator[Callable[..., Writer]]:
    """Return what makes writers of the history; they are closed with the test."""
    writers: list[Writer] = []

    def make(identity: Identity = IDENTITY) -> Writer:
        writers.append(Writer(database, identity))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


@pytest.fixture
def no_bpf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away the rights that programs of collectors need; what is loaded is let go before, and asked anew later."""
    def forget() -> None:
        for name in collector_names():
            let_go(name)

    forget()
    monkeypatch.setattr(_programs, "missing", lambda *_needed: ["CAP_BPF"])
    yield
    forget()
