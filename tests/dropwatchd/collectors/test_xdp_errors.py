"""The xdp_errors collector, on real programs."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, xdp_errors
from dropwatchd.kernel import bpf as kernel_bpf
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns import current_cookie
from dropwatchd.kernel.xdp_errors import XdpError, XdpErrors
from tests import fixtures
from tests.fixtures.namespace import Namespace
from tests.gallery import bpf
from tests.gallery.namespace import wait_for
from tests.gallery.needs import require_kernel

ROOT = Path(__file__).parents[3]
CI = os.environ.get("CI") == "true"
SENT = 20
_ABORTED, _DROP, _REDIRECT, _NONE = 0, 1, 4, 77
_EXPERIMENTAL = b"\x88\xb5"


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A pair of devices, without IPv6, which speaks of its own accord."""
    require_kernel()
    with Namespace() as namespace:
        namespace.run(lambda: Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1"))
        namespace.command("ip link add left type veth peer name right")
        for name in ("left", "right"):
            namespace.command(f"ip link set {name} up")
        for name in ("left", "right"):  # until then, what is sent is dropped before it is sent
            wait_for(partial(_is_up, namespace, name), "the link is up")
        yield namespace


def _is_up(namespace: Namespace, name: str) -> bool:
    return "state UP" in namespace.command(f"ip link show {name}")


def _send() -> None:
    with closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as sender:
        sender.bind(("left", 0))
        for _ in range(SENT):
            sender.send(b"\xff" * 6 + b"\x02" * 6 + _EXPERIMENTAL + bytes(60))


def _number() -> int:
    return current_cookie() or 0


def _counts(namespace: Namespace) -> dict[str, int]:
    found = namespace.run(lambda: list(xdp_errors.collect(Host(netns=_number()))))
    return {row.key.name: row.value for row in found if row.key.interface == "right"}


@pytest.mark.kernel
@pytest.mark.parametrize(("verdict", "expected"), [
    (_ABORTED, {"aborted": SENT}), (_NONE, {"invalid": SENT}), (_REDIRECT, {"redirect_failed": SENT}), (_DROP, {}),
])
def test_what_befalls_packets_is_counted(namespace: Namespace, verdict: int, expected: dict[str, int]) -> None:
    """Each packet once, by what the program said; one that it drops on purpose is no error."""
    assert _counts(namespace) == {}

    with ExitStack() as stack:
        namespace.run(lambda: stack.enter_context(bpf.xdp("right", verdict, bpf.NATIVE)))
        namespace.run(_send)
        wait_for(lambda: _dropped(namespace) == SENT or sum(_counts(namespace).values()) == SENT, "all were judged")
        assert _counts(namespace) == expected


def _dropped(namespace: Namespace) -> int:
    text = namespace.command("ethtool -S right")
    return sum(int(line.split(":")[1]) for line in text.splitlines() if "rx_queue_0_xdp_drops" in line)


@pytest.mark.kernel
def test_the_committed_object_is_what_the_source_builds(
        tmp_path: Path, namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program rebuilt by Debian's clang loads and counts the same."""
    if not shutil.which("clang") or not shutil.which("llvm-strip"):
        assert not CI, "CI installs clang and llvm"
        pytest.skip("needs clang, llvm and libbpf-dev")
    shutil.copy(ROOT / "dropwatchd/kernel/xdp_errors.bpf.c", tmp_path)
    subprocess.run(["make", "-C", str(ROOT), "-s", "bpf", f"BPF={tmp_path / 'xdp_errors.bpf'}"], check=True)
    committed = XdpErrors()
    monkeypatch.setattr(kernel_bpf, "files", lambda _package: tmp_path)
    rebuilt = XdpErrors()
    number = namespace.run(_number)

    def ours(counted: XdpErrors) -> list[XdpError]:
        return [one for one in counted.counts() if one.cookie == number]

    with ExitStack() as stack:
        namespace.run(lambda: stack.enter_context(bpf.xdp("right", _ABORTED, bpf.NATIVE)))
        namespace.run(_send)
        wait_for(lambda: bool(ours(rebuilt)) and ours(rebuilt)[0].times == SENT, "all are counted")
    assert ours(committed) == ours(rebuilt)
    committed.close()
    rebuilt.close()


def test_a_device_is_called_as_it_is_now() -> None:
    """What was counted under two names of one device adds up; one that has gone keeps its last name."""
    own = [XdpError(0, 7, 3, "aborted", "old", 2), XdpError(0, 7, 3, "aborted", "new", 5),
           XdpError(0, 7, 4, "invalid", "gone", 1)]
    found = [(row.key.interface, row.key.name, row.value)
             for row in xdp_errors.readings(own, 9, {3: "new"}, fixtures.NETNS)]
    assert found == [("new", "aborted", 7), ("gone", "invalid", 1), (None, "elsewhere", 9)]


@pytest.mark.kernel
@pytest.mark.usefixtures("no_bpf")
def test_without_rights() -> None:
    """Nothing is claimed."""
    with pytest.raises(AbsentError, match="CAP_BPF missing"):
        xdp_errors.collect(Host())
