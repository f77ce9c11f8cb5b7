"""Namespaces without a file are named by what lives in them: real processes in real control groups."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dropwatchd.kernel.inhabitants import Inhabitants
from dropwatchd.kernel.netns_names import NetnsNames, cookie_by_entering
from tests.fixtures.container import container
from tests.gallery.namespace import wait_for

pytestmark = pytest.mark.kernel
ID, OTHER = "3f2a9c1b7d20" + "e" * 52, "77aa00bb11cc" + "d" * 52
Enter = Callable[[str], tuple[int, int]]


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Return what puts a process into a group and a network namespace of its own: inode and cookie of that."""
    with ExitStack() as stack:
        yield lambda group: stack.enter_context(container(group)).space


def test_container_pod_and_unit(enter: Enter) -> None:
    """Each by its control group, as engines and systemd lay them out."""
    names = NetnsNames({})
    uid = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
    slices = f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid.replace('-', '_')}.slice"
    spaces = [enter(path) for path in (f"system.slice/docker-{ID}.scope", f"{slices}/cri-containerd-{OTHER}.scope",
                                       "system.slice/named.service")]
    told = [Inhabitants().of(*space, cookie_by_entering) for space in spaces]
    assert told == [("container", "docker:3f2a9c1b7d20"), ("pod", f"pod:{uid}"), ("unit", "unit:named.service")]
    inode, cookie = spaces[0]
    assert names.at(inode, cookie, 0)[2:4] == ("docker:3f2a9c1b7d20", "container")
    names.close()


def test_another_namespace_of_the_same_inode_is_not_named(enter: Enter) -> None:
    """An inode is given to the next namespace at once; without a cookie nobody knows whose it was."""
    inode, cookie = enter(f"system.slice/docker-{ID}.scope")
    for other in (cookie + 1, None):
        assert Inhabitants().of(inode, other, cookie_by_entering) is None


def test_names_that_wait_for_a_look_come_with_it(enter: Enter) -> None:
    """One look a second: a second question is answered then, and the version rises so that keys are named anew."""
    names = NetnsNames({})
    first, second = enter(f"docker/{ID}"), enter(f"docker/{OTHER}")
    assert names.at(*first, 0).name == "docker:3f2a9c1b7d20"
    assert names.at(*second, 0).name is None
    assert names.deadline() is not None
    before = names.version
    wait_for(lambda: names.look() is not None and names.version > before, "the next look")
    assert names.at(*second, 0).name == "docker:77aa00bb11cc"
    assert names.deadline() is None
    names.close()


@pytest.mark.parametrize("oldest", [10, 20])
def test_the_oldest_process_tells_whose_it_is(tmp_path: Path, oldest: int) -> None:
    """Who made a namespace was there first, whatever its number: another may have been let in since."""
    with container(f"system.slice/docker-{ID}.scope") as made:
        for number in (10, 20):
            started, group = (100, "web.service") if number == oldest else (900, "debug.service")
            process = tmp_path / str(number)
            (process / "ns").mkdir(parents=True)
            (process / "ns/net").symlink_to(f"/proc/{made.pid}/ns/net")
            (process / "cgroup").write_text(f"0::/system.slice/{group}\n")
            (process / "stat").write_text(f"{number} (a) b) S {'0 ' * 18}{started} 0\n")
        assert Inhabitants(tmp_path).of(*made.space, cookie_by_entering) == ("unit", "unit:web.service")


def test_a_namespace_in_which_nobody_lives_has_no_name() -> None:
    assert Inhabitants().of(1, 1 << 40, cookie_by_entering) is None


def test_without_the_right_to_look_it_is_said_once() -> None:
    """Another user's processes do not tell their namespaces: as a user without rights, of this process's root."""
    program = """
import logging, os
logging.basicConfig(format="%(message)s")
from dropwatchd.kernel.inhabitants import Inhabitants
os.setgroups([]); os.setgid(65534); os.setuid(65534)
one = Inhabitants()
for number in (1, 2):
    assert one.of(number, 9, lambda file: None) is None
    one._due_s = 0.0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.count("it takes CAP_SYS_PTRACE, as in evidence.conf") == 1
