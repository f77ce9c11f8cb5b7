"""Next steps are for the namespace of the loss: run in real ones where that can be."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dropwatchd.model import NANO, Interface, Namespace
from dwreport.findings.steps import space_of, step
from dwreport.findings.support import Owner
from tests.dwreport.conftest import START_NS, History, Report

INIT = Namespace(1, 4026531840, "init", "initial")
BLUE = Namespace(2, 4026532290, "blue", "netns")
POD = Namespace(3, 4026532291, "web-7f", "container")
OWNER = Owner("0.0.0.0:5060", "sipd", "812", None, 3)


@pytest.mark.parametrize(("command", "space", "expected"), [
    ("ss -uan", INIT, "ss -uan"),
    ("ss -uan", None, "ss -uan"),
    ("ss -uan", BLUE, "ip netns exec blue ss -uan"),
    ("ss -uan", BLUE._replace(name="a b;c"), "ip netns exec 'a b;c' ss -uan"),
    ("dmesg -T", BLUE, "dmesg -T"),
    ("tcpdump -i eth0 'tcp and x' | grep bad", BLUE, "ip netns exec blue tcpdump -i eth0 'tcp and x' | grep bad"),
    ("nfsstat -s; nfsstat -c", BLUE, "ip netns exec blue sh -c 'nfsstat -s; nfsstat -c'"),
    ("ip route get $(cat x)", BLUE, "ip netns exec blue sh -c 'ip route get $(cat x)'"),
    ("it's prose", BLUE, """ip netns exec blue sh -c 'it'"'"'s prose'"""),
    ("ss -uan", POD, 'nsenter -t "$(lsns -no PID 4026532291 | head -n 1)" -n ss -uan'),
    ("ss -uan", POD._replace(inode=None), "nsenter -t PID -n ss -uan"),
    ("cat /sys/class/net/eth0/mtu", POD._replace(inode=None),
     "nsenter -t PID -n unshare -m sh -c 'mount -t sysfs sysfs /sys && cat /sys/class/net/eth0/mtu'"),
])
def test_a_command_is_for_the_namespace_of_the_loss(command: str, space: Namespace | None, expected: str) -> None:
    assert step(command, space) == expected
    assert step(None, space) is None


def test_a_process_on_record_is_the_way_in() -> None:
    assert step("ss -uan", POD, [OWNER]) == "nsenter -t 812 -n ss -uan"
    assert step("ss -uan", BLUE, [OWNER]) == "ip netns exec blue ss -uan"


def test_an_interface_tells_its_namespace() -> None:
    assert space_of(Interface(2, 4, "eth0", "blue", 4026532290, "netns")) == BLUE
    assert space_of(Interface(None, 4, "eth0")) is None


@pytest.fixture
def namespace() -> Iterator[str]:
    """Give a network namespace with a device of its own, mtu0, and a process in it."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    name = f"steps-{os.getpid()}"
    with ExitStack() as stack:
        subprocess.run(["ip", "netns", "add", name], check=True)
        stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=True)
        subprocess.run(["ip", "-n", name, "link", "add", "mtu0", "mtu", "1234", "type", "veth"], check=True)
        waits = stack.enter_context(subprocess.Popen(["ip", "netns", "exec", name, "sleep", "600"]))
        stack.callback(waits.kill)
        inode = Path("/run/netns", name).stat().st_ino
        while Path(f"/proc/{waits.pid}/ns/net").stat().st_ino != inode:
            assert waits.poll() is None
        yield name


@pytest.mark.kernel
@pytest.mark.parametrize("command", ["cat /sys/class/net/mtu0/mtu", "ip -br link show mtu0 && ip link show mtu0",
                                     "ip -o link show mtu0 | cut -d' ' -f5"])
@pytest.mark.parametrize("kind", ["netns", "container"])
def test_what_is_printed_runs_there(namespace: str, command: str, kind: str) -> None:
    """By name, and by the first process that lsns finds: also what reads /sys."""
    space = Namespace(9, Path("/run/netns", namespace).stat().st_ino, namespace, kind)
    done = subprocess.run(["sh", "-c", step(command, space) or ""], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1234" in done.stdout


def test_findings_and_drops_say_where(history: History, report: Report) -> None:
    """Both; of a drop whose namespace is not on record, a report says so, unless there is but one."""
    run = history.run()
    history.drop(run, START_NS + NANO, 9, netns=7, netns_name="blue", reason="UNHANDLED_PROTO", name="eth0")
    answer = report.json()
    for row in (answer["drops"][0], answer["findings"][0]):
        assert shlex.split(row["advice"])[:4] == ["ip", "netns", "exec", "blue"]
    history.drop(run, START_NS + NANO, 4, netns=None, netns_name=None, ifindex=None, name=None)
    assert "next: ss -uampn" in report()
    history.drop(run, START_NS + NANO, 4, netns=8, netns_name="red", reason="NO_SOCKET")
    assert "next, in its namespace, which is not on record: ss -uampn" in report()
