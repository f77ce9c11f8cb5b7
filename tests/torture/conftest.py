"""What the tests of faults share: how much there is time for, a disk that fails, drops that are counted."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace
from tests.gallery.needs import require_kernel
from tests.gallery.recording import Recording
from tests.torture.fault import Disk, compile_library

LONG = os.environ.get("TORTURE") == "long"  # make torture: hours, where make test has seconds


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has no short form, unless there is the time for it."""
    left = [item for item in items if not LONG and item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes disks fail, compiled."""
    return compile_library(tmp_path_factory.mktemp("fault"))


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """A network namespace to drop packets in."""
    require_kernel()
    with Namespace(f"torture-{os.getpid()}") as made:
        yield made


@pytest.fixture
def fresh_daemon(tmp_path: Path) -> Iterator[Recording]:
    """A daemon that has not been started; whatever it started is ended with the test."""
    recording = Recording(tmp_path)
    yield recording
    recording.end()


@pytest.fixture
def recording_on(library: Path, tmp_path: Path) -> Iterator[Callable[[], tuple[Recording, Disk]]]:
    """Return what makes a daemon that has not been started, and the disk that its history will be on."""
    made: list[Recording] = []

    def make() -> tuple[Recording, Disk]:
        folder = tmp_path / str(len(made))
        (folder / "state").mkdir(parents=True)
        recording = Recording(folder)
        disk = Disk(library, folder / "state", folder / "control")
        database = str(recording.database)
        recording.database = folder / "state" / "history.db"
        recording.command = ["env", *(f"{name}={value}" for name, value in disk.environment.items()),
                             *(str(recording.database) if word == database else word for word in recording.command)]
        made.append(recording)
        return recording, disk

    yield make
    for recording in made:
        recording.end()


def drop_datagrams(count: int) -> None:
    """Send datagrams to a closed port of the loopback device, and wait for no answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(b"torture", ("127.0.0.1", 9))
