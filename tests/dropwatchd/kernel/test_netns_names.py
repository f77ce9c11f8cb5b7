"""Names of namespaces over time, with real namespaces and their files."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.kernel.netns import entered
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Event
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
TICK_NS = 10_000_000  # of the clock of files, at most


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for names of a test's own; whatever is mounted there is unmounted."""
    made = tmp_path / "netns"
    made.mkdir()
    yield made
    for path in made.iterdir():
        subprocess.run(["umount", path], check=False)


@pytest.fixture
def names(folder: Path) -> Iterator[NetnsNames]:
    names = NetnsNames({folder: "netns"})
    yield names
    names.close()


def _name(folder: Path, name: str, namespace: Namespace) -> tuple[int, int | None]:
    """Give a namespace a name as `ip netns attach` does; return its inode and cookie."""
    file = os.fsencode(folder) + b"/" + os.fsencode(name)
    Path(os.fsdecode(file)).touch()
    subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/task/{namespace.thread_id}/ns/net", file], check=True)
    with entered(Path(os.fsdecode(file))) as found:
        return found.inode or 0, found.cookie


def _unname(folder: Path, name: str) -> None:
    subprocess.run(["umount", folder / name], check=True)
    (folder / name).unlink()


def test_a_name_holds_from_its_file_until_it_goes(folder: Path, names: NetnsNames) -> None:
    """Never backwards, and no longer than it was there; drops are asked for after they happened."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "blue", namespace)
        (came,) = [record for record in names.look() if isinstance(record, Event)]
        _unname(folder, "blue")
        gone_ns = time.time_ns()
        (went,) = [record for record in names.look() if isinstance(record, Event)]
    assert (came.kind, came.subject, went.kind, went.subject) == ("netns added", "blue", "netns removed", "blue")
    assert came.time_ns <= went.time_ns <= gone_ns
    assert [names.at(inode, cookie, time_ns).name for time_ns in (
        came.time_ns - 1, came.time_ns, went.time_ns, went.time_ns + TICK_NS, gone_ns + NANO)] == [
        None, "blue", "blue", None, None]


@pytest.mark.parametrize("seen_unmounted", [False, True])
def test_a_name_that_came_since_the_last_look_is_found(folder: Path, names: NetnsNames, seen_unmounted: bool) -> None:
    """Drops meanwhile have it, also where the last look found a file but no mount; the next one tells of it."""
    with Namespace() as namespace:
        if seen_unmounted:
            (folder / "blue").touch()
            assert names.look() == []
        inode, cookie = _name(folder, "blue", namespace)
        assert names.at(inode, cookie, time.time_ns()).name == "blue"
        deadline = names.deadline()
        assert deadline is not None
        assert deadline <= time.monotonic()
        assert [record.kind for record in names.look() if isinstance(record, Event)] == ["netns added"]
        assert names.look() == []


def test_a_name_that_lives_within_one_tick_holds_until_that_ends(folder: Path, names: NetnsNames) -> None:
    """Files are dated by a clock of some milliseconds: that a name came and went at once by it says nothing."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "blue", namespace)
        (came,) = [record for record in names.look() if isinstance(record, Event)]
        dropped_ns = came.time_ns + TICK_NS // 2
        _unname(folder, "blue")
        os.utime(folder, ns=(came.time_ns, came.time_ns))
        (went,) = [record for record in names.look() if isinstance(record, Event)]
        assert (went.time_ns, names.at(inode, cookie, dropped_ns).name) == (came.time_ns, "blue")
        assert names.at(inode, cookie, came.time_ns + TICK_NS).name is None


def test_a_name_holds_until_its_file_is_unmounted_though_that_stays(folder: Path, names: NetnsNames) -> None:
    """`ip netns delete` unmounts, then removes the file: a look in between finds a folder in which nothing changed."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "blue", namespace)
        names.look()
        time.sleep(0.02)  # beyond a tick of the folder's clock
        dropped_ns = time.time_ns()
        subprocess.run(["umount", folder / "blue"], check=True)
        (went,) = [record for record in names.look() if isinstance(record, Event)]
    assert went.kind == "netns removed"
    assert names.at(inode, cookie, dropped_ns).name == "blue"


def test_a_name_is_not_given_to_another_namespace_with_the_same_inode(folder: Path, names: NetnsNames) -> None:
    """The cookie tells them apart, while the name holds and after."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "payroll", namespace)
        (came,) = [record for record in names.look() if isinstance(record, Event)]
        assert names.at(inode, cookie, came.time_ns).name == "payroll"
        assert names.at(inode, (cookie or 0) + 1, came.time_ns).name is None
        _unname(folder, "payroll")


def test_names_that_come_together_each_hold_from_their_own_time(folder: Path, names: NetnsNames) -> None:
    """Under load many come between two looks; what is dropped at once has the name of its namespace."""
    times, found = [], []
    for name in ("one", "two", "three"):
        with Namespace() as namespace:
            found.append(_name(folder, name, namespace))
        times.append(time.time_ns())
    names.look()
    assert [names.at(*known, time_ns).name for known, time_ns in zip(found, times, strict=True)] == [
        "one", "two", "three"]
    for name in ("one", "two", "three"):
        _unname(folder, name)


def test_a_name_for_a_namespace_that_lived_before_holds_from_then_on(folder: Path, names: NetnsNames) -> None:
    """As `ip netns attach` gives one: what was dropped before was not dropped under that name."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "old", namespace)
        names.look()
        before_ns = time.time_ns()
        while folder.stat().st_mtime_ns <= before_ns:  # the clock of files goes in steps of some milliseconds
            (folder / "new").unlink(missing_ok=True)
            (folder / "new").touch()
        subprocess.run(["mount", "--bind", folder / "old", folder / "new"], check=True)
        names.look()
        assert [names.at(inode, cookie, time_ns).name for time_ns in (before_ns, time.time_ns())] == ["old", "old"]
        _unname(folder, "old")
        names.look()
        assert [names.at(inode, cookie, time_ns).name for time_ns in (before_ns, time.time_ns())] == ["old", "new"]
        _unname(folder, "new")


def test_without_word_of_changes_names_are_looked_for_every_second(folder: Path) -> None:
    """The kernel grants a user so many inotify instances: that there are none left is no reason not to record."""
    program = f"""
import subprocess, time
from pathlib import Path
from dropwatchd.kernel.netns_names import NetnsNames
folder = Path({str(folder)!r})
names = NetnsNames({{folder: "netns"}})
assert 0 < names.deadline() - time.monotonic() <= 1
(folder / "blue").touch()
subprocess.run(["mount", "--bind", "/proc/self/ns/net", folder / "blue"], check=True)
names.look()
assert [name.namespace.name for name in names.present()] == ["blue"]
"""
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c",
         'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh", sys.executable, "-c", program],
        check=False, capture_output=True, text=True)
    assert (done.returncode, "does not tell of changes" in done.stderr) == (0, True), done.stderr


def test_a_name_that_points_elsewhere_is_two_names(folder: Path, names: NetnsNames) -> None:
    """Made anew between two looks: the old one ends, the new one begins."""
    with Namespace() as first, Namespace() as second:
        one = _name(folder, "blue", first)
        names.look()
        _unname(folder, "blue")
        two = _name(folder, "blue", second)
        kinds = [record.kind for record in names.look() if isinstance(record, Event)]
        assert kinds == ["netns removed", "netns added"]
        (held,) = names.present()
        assert (held.namespace.inode, held.namespace.cookie) == two != one
        assert names.at(*one, held.since_ns + TICK_NS).name is None
        _unname(folder, "blue")


def test_the_descriptor_tells_of_a_name_and_of_a_mount_that_comes_later(folder: Path, names: NetnsNames) -> None:
    """A file comes first and is mounted on then, of which no event tells: it is looked at again soon."""
    (folder / "blue").touch()
    assert select.select([names], [], [], 10)[0]
    assert not names.look()
    assert names.deadline() is not None
    with Namespace() as namespace:
        _name(folder, "blue", namespace)
        assert [record.kind for record in names.look() if isinstance(record, Event)] == ["netns added"]
        assert names.deadline() is None
        _unname(folder, "blue")


def test_a_folder_may_come_later(tmp_path: Path) -> None:
    """There is no /run/netns before the first namespace has a name."""
    names = NetnsNames({tmp_path / "run": "netns"})
    (tmp_path / "run").mkdir()
    assert select.select([names], [], [], 10)[0]
    names.look()
    with Namespace() as namespace:
        _name(tmp_path / "run", "blue", namespace)
        assert select.select([names], [], [], 10)[0]
        names.look()
        assert [name.namespace.name for name in names.present()] == ["blue"]
        _unname(tmp_path / "run", "blue")
    names.close()


def test_a_name_that_is_not_utf8_is_escaped(folder: Path, names: NetnsNames) -> None:
    """As names of interfaces are; it can be written, printed and asked for."""
    odd = os.fsdecode(b"bad\xff")
    with Namespace() as namespace:
        _name(folder, odd, namespace)
        names.look()
        (name,) = names.present()
        assert name.namespace.name == r"bad\xff"
        _unname(folder, odd)


def test_names_that_were_there_at_the_start_held_before(folder: Path) -> None:
    """Nobody saw them come, and no drop is older than the start."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "old", namespace)
        names = NetnsNames({folder: "container"})
        assert names.at(inode, cookie, 1)[2:4] == ("old", "container")
        names.close()
        _unname(folder, "old")


def test_times_follow_a_clock_that_was_set(folder: Path, names: NetnsNames) -> None:
    """What is dropped from now on is dropped by the new clock."""
    with Namespace() as namespace:
        inode, cookie = _name(folder, "blue", namespace)
        (came,) = [record for record in names.look() if isinstance(record, Event)]
        names.clock_set(-3600 * NANO)
        assert names.at(inode, cookie, came.time_ns - 3600 * NANO).name == "blue"
        assert names.at(inode, cookie, came.time_ns - 3601 * NANO).name is None
        _unname(folder, "blue")
