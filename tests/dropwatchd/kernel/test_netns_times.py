"""Which namespace had which name when: by identity, though inodes are used again and clocks are set."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from dropwatchd.kernel import netns_names as module
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Event
from dropwatchd.model import Namespace as NamedNamespace
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
DEADLINE_S = 60
ATTEMPT_S = 5  # of others, who may have taken an inode, one holds it for long
_COARSE = 5  # CLOCK_REALTIME_COARSE of include/uapi/linux/time.h


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return two folders for names of a test's own; whatever is mounted there is unmounted."""
    made = tmp_path / "netns", tmp_path / "docker"
    for folder in made:
        folder.mkdir()
    yield made
    for path in (path for folder in made for path in folder.iterdir()):
        subprocess.run(["umount", path], check=False)


@pytest.fixture
def names(folders: tuple[Path, Path]) -> Iterator[NetnsNames]:
    names = NetnsNames(dict(zip(folders, ("netns", "container"), strict=True)))
    yield names
    names.close()


def _name(path: Path, namespace: Namespace) -> int:
    """Give a namespace a name as `ip netns attach` does; return its inode."""
    path.touch()
    subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/task/{namespace.thread_id}/ns/net", path], check=True)
    return path.stat().st_ino


def _unname(path: Path) -> None:
    subprocess.run(["umount", path], check=True)
    path.unlink()


def _outlast(event: Event) -> None:
    """Wait until the clock of files, which goes by ticks, is past an event."""
    end = time.monotonic() + DEADLINE_S
    while time.clock_gettime_ns(_COARSE) <= event.time_ns:
        assert time.monotonic() < end, "the clock of files stands still"


def _events(names: NetnsNames) -> list[Event]:
    return [record for record in names.look() if isinstance(record, Event)]


def test_our_own_name_is_not_given_to_another_with_our_inode(names: NetnsNames) -> None:
    """In another boot of a guest, or read from elsewhere: the cookie says that it is not ours."""
    own = names.at_start
    assert names.at(own.inode or 0, own.cookie, 1) == own
    assert names.at(own.inode or 0, None, 1) == own
    assert names.at(own.inode or 0, (own.cookie or 0) + 1, 1).name is None


def _anew(path: Path, names: NetnsNames, others: ExitStack) -> NamedNamespace | None:
    """Name a namespace, and then one with its inode; return the former as it was known, None where another got that.

    The lowest number that is free is given: those that are not wanted are held.
    """
    with Namespace() as first:
        inode = _name(path, first)
        _events(names)
        before = names.at(inode, None, time.time_ns())
        _unname(path)
    end = time.monotonic() + ATTEMPT_S
    while time.monotonic() < end:
        if _name(path, others.enter_context(Namespace())) == inode:
            return before
        _unname(path)
    _events(names)
    return None


def test_a_namespace_made_anew_with_the_same_inode_is_another(folders: tuple[Path, Path], names: NetnsNames) -> None:
    """Between two looks: the old name ends and the new one begins, though path and inode are the same."""
    path = folders[0] / "blue"
    end = time.monotonic() + DEADLINE_S
    with ExitStack() as others:
        while not (before := _anew(path, names, others)):
            assert time.monotonic() < end, "the inode did not come again"
        assert [event.kind for event in _events(names)] == ["netns removed", "netns added"]
        after = names.at(before.inode or 0, None, time.time_ns())
        assert (before.name, after.name) == ("blue", "blue")
        assert before.cookie != after.cookie
        _unname(path)


def test_one_made_anew_within_the_tick_of_a_look_is_another(
        folders: tuple[Path, Path], names: NetnsNames, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then neither its inode nor the time of that tells."""
    path = folders[0] / "blue"
    with Namespace() as first, Namespace() as second:
        inode = _name(path, first)
        _events(names)
        _unname(path)
        _name(path, second)
        made = path.stat()
        monkeypatch.setitem(names._held, path, replace(  # as if both had one inode, made in the tick of the look
            names._held[path], made_ns=made.st_ctime_ns,
            namespace=names._held[path].namespace._replace(inode=made.st_ino)))
        monkeypatch.setattr(names, "_looked_ns", made.st_ctime_ns + 1)
        assert [event.kind for event in _events(names)] == ["netns removed", "netns added"]
        assert inode != made.st_ino
        assert names.look() == []
        _unname(path)


def test_a_name_from_before_is_bound_when_somebody_can(folders: tuple[Path, Path], names: NetnsNames) -> None:
    """Until a source is open nobody may be able to tell the cookie of a file."""
    names.cookie_of = lambda _descriptor: None
    path = folders[0] / "blue"
    with Namespace() as namespace:
        inode = _name(path, namespace)
        names.look()
        now_ns, version = time.time_ns(), names.version
        assert names.at(inode, 12345, now_ns).name == "blue"
        names.use(lambda _descriptor: 777)
        assert names.version > version
        assert names.at(inode, 12345, now_ns).name is None
        assert names.at(inode, 777, now_ns).name == "blue"
        assert [name.namespace.cookie for name in names.present()] == [777]
        _unname(path)


def test_of_two_files_of_one_name_the_first_folder_counts(folders: tuple[Path, Path], names: NetnsNames) -> None:
    """What a person called it with `ip netns`, not what a container engine did."""
    with Namespace() as one, Namespace() as other:
        inode = _name(folders[0] / "blue", one)
        _name(folders[1] / "blue", other)
        names.look()
        (name,) = names.present()
        assert (name.namespace.inode, name.namespace.kind) == (inode, "netns")
        for folder in folders:
            _unname(folder / "blue")


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_names_that_went_and_names_from_before_follow_the_clock(
    folders: tuple[Path, Path], names: NetnsNames, step_s: int,
) -> None:
    """Both ends of a time move; what held before anybody looked held always."""
    path = folders[0] / "blue"
    with Namespace() as namespace:
        inode = _name(path, namespace)
        (came,) = _events(names)
        _outlast(came)
        _unname(path)
        (went,) = _events(names)
        _name(path, namespace)
        early = NetnsNames({folders[0]: "netns"})
        for one in (names, early):
            one.clock_set(step_s * NANO)
        assert early.at(inode, None, 1).name == "blue"
        early.close()
        _unname(path)
        edges = (came.time_ns - 1, came.time_ns, went.time_ns, went.time_ns + module._COARSE_NS)
        assert [names.at(inode, None, edge + step_s * NANO).name for edge in edges] == [None, "blue", "blue", None]


def test_names_that_went_are_kept_for_drops_that_are_read_later(
    folders: tuple[Path, Path], names: NetnsNames, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as these may take, and no longer: a host may make names without end."""
    path = folders[0] / "blue"
    with Namespace() as namespace:
        times = []
        for kept_ns in (module._KEPT_NS, module._KEPT_NS, 0):
            monkeypatch.setattr(module, "_KEPT_NS", kept_ns)
            inode = _name(path, namespace)
            (came,) = _events(names)
            times.append(came.time_ns)
            _outlast(came)
            _unname(path)
            _events(names)
            found = [names.at(inode, None, time_ns).name for time_ns in times]
            assert found == (["blue"] * len(times) if kept_ns else [None, None, "blue"])
