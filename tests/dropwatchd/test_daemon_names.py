"""Names of namespaces in the loop: what is read is named by them, and what goes with them is let go."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.daemon import Daemon
from dropwatchd.kernel import clock
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.service import Service
from tests.dropwatchd.scripted import Scripted
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel


class Named:
    """A daemon and a namespace that gets a name."""

    def __init__(self, folder: Path, namespace: Namespace) -> None:
        self.names, self.links, self.buffer, self.source = NetnsNames({folder: "netns"}), Links(), Buffer(), Scripted()
        self.daemon = Daemon([self.source], self.names, self.links, self.buffer, Service(), opened=clock.now())
        self._path, self._namespace = folder / "blue", namespace

    def name(self) -> int:
        """Give it the name; return its inode."""
        self._path.touch()
        own = f"/proc/{os.getpid()}/task/{self._namespace.thread_id}/ns/net"
        subprocess.run(["mount", "--bind", own, self._path], check=True)
        return self._path.stat().st_ino

    def unname(self) -> None:
        subprocess.run(["umount", self._path], check=True)
        self._path.unlink()

    def close(self) -> None:
        subprocess.run(["umount", self._path], check=False, stderr=subprocess.DEVNULL)
        self.daemon._selector.close()
        self.links.close()
        self.names.close()
        self.source.dispose()


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    with Namespace() as namespace:
        made = Named(tmp_path, namespace)
        yield made
        made.close()


def test_names_are_looked_at_before_a_source_is_read(named: Named) -> None:
    """What was dropped under a new name has it, though the source became readable first."""
    inode = named.name()
    named.daemon._read(named.source)
    assert named.names.at(inode, None, time.time_ns()).name == "blue"
    batch = named.buffer.take()
    assert [known.name for known in batch.namespaces.values()] == ["blue"]
    assert [(event.kind, event.subject) for event in batch.events] == [("netns added", "blue")]


def test_links_of_a_namespace_go_with_its_name(named: Named) -> None:
    """It must be able to end."""
    named.name()
    named.daemon._read_names()
    (known,) = named.buffer.take().namespaces.values()
    named.links.add(named._namespace.run(lambda: LinkWatch(known.number)))
    named.unname()
    named.daemon._read_names()
    assert known.number not in named.links


def test_names_follow_a_clock_that_was_set(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dropped from now on is dropped by the new clock."""
    inode = named.name()
    named.daemon._read_names()
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real()._replace(wall_ns=real().wall_ns - 3600 * NANO))
    assert named.names.at(inode, None, clock.now().wall_ns).name is None
    named.source.complete_ns = clock.now().wall_ns
    named.daemon._tick(time.monotonic())
    assert named.names.at(inode, None, clock.now().wall_ns).name == "blue"
    assert [event.kind for event in named.buffer.take().events] == ["netns added", "clock set"]
