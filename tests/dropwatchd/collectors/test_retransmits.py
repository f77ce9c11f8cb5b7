"""The retransmits collector, on real connections."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, Collect, retransmits
from dropwatchd.kernel import bpf as kernel_bpf
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns import current_cookie
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.kernel.retransmits import KEY, Retransmits, parse
from dropwatchd.model import Reading
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.poller import Poller
from tests import fixtures
from tests.fixtures.namespace import Namespace
from tests.gallery.namespace import wait_for
from tests.gallery.needs import require_kernel

ROOT = Path(__file__).parents[3]
CI = os.environ.get("CI") == "true"
PORT = 8080
_DROP = """table inet t {{
    chain i {{
        type filter hook input priority 0;
        {} drop
    }}
}}"""


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    require_kernel()
    with Namespace() as namespace:
        for address in ("192.0.2.1 dev lo", "2001:db8::1 dev lo nodad"):
            namespace.command(f"ip address add {address}")
        namespace.command("ip route replace local 192.0.2.1 dev lo table local rto_min 20ms")
        namespace.command("ip -6 route replace local 2001:db8::1 dev lo table local rto_min 20ms")
        yield namespace


def _number() -> int:
    return current_cookie() or 0


def _read(namespace: Namespace) -> list[Reading]:
    return namespace.run(lambda: list(retransmits.collect(Host(netns=_number()))))


def _counts(namespace: Namespace) -> dict[tuple[str, str], int]:
    """Return the counts by kind and peer."""
    return {(row.key.name, dict(row.key.labels).get("peer", "")): row.value for row in _read(namespace)
            if row.key.labels}


def _sent_again(namespace: Namespace) -> int:
    header, values = (line.split() for line in namespace.run(Path("/proc/thread-self/net/snmp").read_text).splitlines()
                      if line.startswith("Tcp:"))
    return int(values[header.index("RetransSegs")])


def _serve_both() -> socket.socket:
    return socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)


def _send(namespace: Namespace, server: socket.socket, to: str, segments: int) -> None:
    """Send data that is dropped at first, several times, and then arrives."""
    def connect() -> tuple[socket.socket, socket.socket]:
        kind = socket.AF_INET if to == "192.0.2.1" else socket.AF_INET6
        sender = socket.socket(kind)
        sender.connect((to, PORT))
        return sender, server.accept()[0]

    sender, receiver = namespace.run(connect)
    before = _sent_again(namespace)
    namespace.command("nft -f -", _DROP.format(f"tcp dport {PORT}"))
    with closing(sender), closing(receiver):
        sender.send(bytes(100))
        wait_for(lambda: _sent_again(namespace) >= before + segments, "it was sent again")
        namespace.command("nft delete table inet t")
        receiver.settimeout(30)
        receiver.recv(100)


@pytest.mark.kernel
def test_segments_that_are_sent_again_are_counted_by_peer(namespace: Namespace) -> None:
    """All that the kernel counts: data by IPv4, by IPv6, and by IPv4 within IPv6; and SYNs that nobody answers."""
    assert _counts(namespace) == {}
    with namespace.run(_serve_both) as server:
        for to in ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"):
            _send(namespace, server, to, 2)
        after_data = _sent_again(namespace)
        counts = _counts(namespace)
        assert counts.keys() == {("data", "192.0.2.1"), ("data", "2001:db8::1")}
        assert sum(counts.values()) == after_data
        assert {row.key.labels[-1] for row in _read(namespace) if row.key.labels} == {("peer_port", str(PORT))}
    assert counts["data", "192.0.2.1"] >= 4
    assert [row.value for row in _read(namespace) if not row.key.labels] == [0]


@pytest.mark.kernel
def test_a_handshake_that_is_sent_again_is_counted_by_port(namespace: Namespace) -> None:
    """The SYN by its peer too; its answer not, for who asks may be made up."""
    with (closing(namespace.run(lambda: socket.socket(socket.AF_INET))) as sender,
          namespace.run(lambda: socket.create_server(("192.0.2.1", PORT)))):
        sender.settimeout(0)
        namespace.command("nft -f -", _DROP.format(f"tcp sport {PORT} tcp flags & syn == syn"))
        with pytest.raises(BlockingIOError):
            sender.connect(("192.0.2.1", PORT))
        wait_for(lambda: {kind for kind, _peer in _counts(namespace)} == {"syn", "synack"}, "both were sent again")
        found = {row.key.name: row.key.labels for row in _read(namespace) if row.key.labels}
        assert sum(_counts(namespace).values()) == _sent_again(namespace)
    assert found == {"syn": (("peer", "192.0.2.1"), ("peer_port", str(PORT))), "synack": (("local_port", str(PORT)),)}


@pytest.mark.kernel
def test_the_committed_object_is_what_the_source_builds(
        tmp_path: Path, namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program rebuilt by Debian's clang loads and counts the same."""
    if not shutil.which("clang") or not shutil.which("llvm-strip"):
        assert not CI, "CI installs clang and llvm"
        pytest.skip("needs clang, llvm and libbpf-dev")
    shutil.copy(ROOT / "dropwatchd/kernel/retransmits.bpf.c", tmp_path)
    subprocess.run(["make", "-C", str(ROOT), "-s", "bpf", f"BPF={tmp_path / 'retransmits.bpf'}"], check=True)
    with ExitStack() as stack:
        committed = stack.enter_context(closing(Retransmits()))
        monkeypatch.setattr(kernel_bpf, "files", lambda _package: tmp_path)
        rebuilt = stack.enter_context(closing(Retransmits()))
        number = namespace.run(_number)
        with namespace.run(lambda: socket.create_server(("192.0.2.1", PORT))) as server:
            _send(namespace, server, "192.0.2.1", 1)
        found = [[row for row in one.counts() if row.cookie == number] for one in (committed, rebuilt)]
        assert found[0] == found[1] != []


@pytest.mark.kernel
def test_a_reload_that_switches_it_off_takes_the_program_away(tmp_path: Path) -> None:
    """Nothing counts on where nobody reads; whoever asks again has it anew."""
    require_kernel()

    def held() -> int:
        targets = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return sum("bpf-prog" in str(target) for target in targets)

    retransmits.opened.close()
    before = held()
    names = NetnsNames({tmp_path: "netns"})
    wanted: dict[str, Collect] = {"retransmits": retransmits.collect}
    poller = Poller(wanted, Buffer(), names)
    for read in (wanted, {}, wanted, {}):
        poller.change(read, 10.0, ())
        poller.take_round()
        assert (held() > before) == bool(read)
    names.close()


def test_one_peer_by_two_families_is_one() -> None:
    """As an address of IPv4, and as the same within IPv6; the ports tell services apart."""
    def key(family: int, peer: bytes, local: int, remote: int) -> bytes:
        return KEY.pack(7, peer, family, local, remote, 0)

    keys = [key(2, bytes([192, 0, 2, 9]), 0, 443), key(10, bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 9]), 0, 443),
            key(2, bytes([192, 0, 2, 9]), 22, 0), key(0, b"", 0, 443)]
    own = [parse(raw, number.to_bytes(8, "little") * 2) for number, raw in enumerate(keys, 1)]
    rows = retransmits.readings(own, 3, fixtures.NETNS)
    assert [(row.key.labels, row.value) for row in rows] == [
        ((("peer", "192.0.2.9"), ("peer_port", "443")), 6), ((("local_port", "22"), ("peer", "192.0.2.9")), 6),
        ((("peer_port", "443"),), 8), ((), 3)]


@pytest.mark.kernel
@pytest.mark.usefixtures("no_bpf")
def test_without_rights() -> None:
    """Nothing is claimed."""
    with pytest.raises(AbsentError, match="CAP_BPF missing"):
        retransmits.collect(Host())
