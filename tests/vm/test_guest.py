"""The guests are what the tests that run in them take them for."""

import subprocess

import pytest

from tests.vm.guest import Guest
from tests.vm.recipe import Recipe


def test_kernel(guest: Guest, recipe: Recipe) -> None:
    """The kernel is Debian's own, of the series that the guest is named after."""
    release = guest.run("uname -r").stdout
    assert release.startswith(f"{recipe.kernel}.")
    assert release.endswith("-amd64\n")


def test_versions(guest: Guest, recipe: Recipe) -> None:
    """systemd and Python are those of the Debian release."""
    assert guest.run("systemctl --version").stdout.startswith(f"systemd {recipe.systemd} ")
    assert guest.run("python3 --version").stdout.startswith(f"Python {recipe.python}.")


def test_boots_clean(guest: Guest) -> None:
    """systemd has booted the system with no unit failed."""
    assert guest.run("systemctl is-system-running").stdout == "running\n"


def test_drop_monitor(guest: Guest) -> None:
    """The stock module loads and registers the generic netlink family NET_DM."""
    guest.run("modprobe drop_monitor")
    assert "Name: NET_DM" in guest.run("genl ctrl list").stdout


def test_netdevsim(guest: Guest) -> None:
    """A simulated switch comes up with devlink traps."""
    guest.run("modprobe netdevsim && echo '7 1' > /sys/bus/netdevsim/new_device")
    try:
        assert "type drop" in guest.run("devlink trap show netdevsim/netdevsim7 trap blackhole_route").stdout
    finally:
        guest.run("echo 7 > /sys/bus/netdevsim/del_device")


@pytest.mark.parametrize("program", ["dropwatchd", "dwreport"])
def test_project_is_installed(guest: Guest, program: str) -> None:
    """Both programs are on the path and run with the guest's own Python."""
    assert guest.run(f"{program} --version").stdout.strip()


def test_output_is_exact(guest: Guest) -> None:
    """Output comes back byte for byte, the two streams apart, whatever is in it."""
    done = guest.run(r"printf 'a\000b\377\n\n'; printf 'no newline' >&2")
    assert done.stdout.encode(errors="surrogateescape") == b"a\0b\xff\n\n"
    assert done.stderr == "no newline"


def test_large_output(guest: Guest) -> None:
    """Output far beyond a pipe's buffer arrives whole."""
    assert guest.run("head -c 3000000 /dev/zero").stdout == "\0" * 3_000_000


def test_input(guest: Guest) -> None:
    """A command reads what it is given, and then the end of file."""
    assert guest.run("cat", stdin=b"\0\xfftext").stdout.encode(errors="surrogateescape") == b"\0\xfftext"


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("kill -9 $$", -9), ("true", 0)])
def test_exit_code(guest: Guest, command: str, code: int) -> None:
    """Exit codes come back, and signals as negative numbers."""
    assert guest.run(command, check=False).returncode == code


def test_failure_is_an_exception(guest: Guest) -> None:
    """A command that fails unexpectedly names itself, its exit code and what it said."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        guest.run("echo why >&2; exit 3")
    assert caught.value.returncode == 3
    assert "why" in "".join(caught.value.__notes__)


def test_deadline(guest: Guest) -> None:
    """A command that outlives its deadline is killed together with what it started."""
    with pytest.raises(subprocess.TimeoutExpired):
        guest.run("sleep 98765 & sleep 98765", timeout=1)
    guest.run("while pgrep -f 'sleep 9876[5]'; do :; done")


def test_share(guest: Guest) -> None:
    """The share carries files both ways."""
    (guest.share / "to").write_bytes(b"\0\1")
    guest.run("cat /mnt/share/to /mnt/share/to > /mnt/share/back")
    assert (guest.share / "back").read_bytes() == b"\0\1\0\1"


def test_repository(guest: Guest) -> None:
    """The repository can be read but not written."""
    assert guest.run("cat /mnt/repo/pyproject.toml").stdout
    assert guest.run("touch /mnt/repo/intruder", check=False).returncode != 0


def test_power_cut(fresh_guest: Guest) -> None:
    """What was flushed to the disk survives the death of the machine; an orderly end follows in time."""
    fresh_guest.run("cd /root; seq 100000 > kept; sync kept; sha256sum kept > sum; sync sum")
    boot = fresh_guest.run("cat /proc/sys/kernel/random/boot_id").stdout
    fresh_guest.power_cut()
    fresh_guest.start()
    assert fresh_guest.run("cat /proc/sys/kernel/random/boot_id").stdout != boot
    assert "recovery complete" in fresh_guest.run("journalctl -b -k").stdout
    fresh_guest.run("cd /root; sha256sum --check sum")
    fresh_guest.shutdown()
    assert not fresh_guest.running
