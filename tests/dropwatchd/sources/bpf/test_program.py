"""The program on the running kernel: loaded, fed with real drops, read, and rebuilt from its source."""

import gc
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.kernel.btf import kernel_btf
from dropwatchd.kernel.reasons import ReasonNames
from dropwatchd.model import Drop, Effect, Gap, GapCause, Interface, PacketSample, Record
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.bpf import BpfOptions, BpfSource, hold
from dropwatchd.sources.bpf.layout import RawKey
from tests.gallery.namespace import Namespace

ROOT = Path(__file__).parents[4]
CI = os.environ.get("CI") == "true"
CLOSED_PORT = 9
OWN = Path("/proc/self/ns/net")
SO_NETNS_COOKIE = 71


def _unprivileged() -> str:
    """Say what keeps this host from running BPF; nothing may, in CI."""
    source = BpfSource()
    try:
        source.open()
    except UnavailableError as error:
        return str(error)
    source.close()
    return ""


pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(_unprivileged()) and not CI, reason=_unprivileged())]


@pytest.fixture
def source() -> Iterator[BpfSource]:
    opened = BpfSource()
    opened.open()
    yield opened
    opened.close()


def _send(count: int, size: int = 20, address: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(bytes(size), (address, CLOSED_PORT))


def _ours(records: list[Record], size: int) -> list[Drop]:
    """Return the drops of packets of that size at the closed port: other tests of this host may drop too."""
    return [
        r
        for r in records
        if isinstance(r, Drop)
        and r.key.kind.reason == "NO_SOCKET"
        and r.key.interface.name == "lo"
        and r.octets
        and r.octets % (size + 8) == 0
    ]


def test_drops_are_counted_exactly(source: BpfSource) -> None:
    """Count, bytes, reason, place, interface and namespace of real drops."""
    _send(1234, size=1003)
    (drop,) = _ours(source.close(), 1003)
    assert drop.count == 1234
    assert drop.octets == 1234 * (1003 + 8)
    assert drop.key.kind.protocol == socket.ntohs(socket.htons(0x0800))
    assert drop.key.location.symbol
    assert "udp" in drop.key.location.symbol
    assert drop.key.interface == Interface(_cookie(), 1, "lo", None, OWN.stat().st_ino)
    assert time.time_ns() - 10**10 < drop.first_ns <= drop.last_ns <= time.time_ns()


def test_the_first_drop_wakes_and_the_window_ends(source: BpfSource) -> None:
    """The descriptor is quiet until a drop, and read() yields the counts once the window has ended."""
    _send(1, size=1005)
    assert select.select([source], [], [], 5)[0]
    records = list(source.read())
    deadline = source.deadline()
    assert deadline is not None
    while time.monotonic() < deadline:
        select.select([], [], [], deadline - time.monotonic())
    records += list(source.read())
    assert sum(drop.count for drop in _ours(records, 1005)) == 1


def test_samples_are_the_packets_first_bytes(source: BpfSource) -> None:
    """While drops are rare every packet is kept, with weight one: its headers, and none of what was sent."""
    _send(3, size=51)
    samples = [r for r in source.close() if isinstance(r, PacketSample) and r.length == 51 + 8 + 20 + 14]
    assert len(samples) == 3
    for sample in samples:
        assert sample.link_header
        assert sample.weight == 1
        assert sample.data[12:14] == b"\x08\x00"
        assert sample.data[14 + 20 + 2 : 14 + 20 + 4] == CLOSED_PORT.to_bytes(2, "big")
        assert len(sample.data) == 14 + 20 + 8


def test_payload_is_kept_where_it_is_asked_for() -> None:
    """As much of what was sent as the configuration says."""
    source = BpfSource(BpfOptions(payload_bytes=16))
    source.open()
    _send(3, size=57)
    samples = [r for r in source.close() if isinstance(r, PacketSample) and r.length == 57 + 8 + 20 + 14]
    assert [len(sample.data) for sample in samples] == [14 + 20 + 8 + 16] * 3


def test_sample_weights_stand_for_the_whole(source: BpfSource) -> None:
    """Thinned samples carry weights whose sum is the count on average: within six standard deviations here."""
    _send(20_000, size=53)
    weights = [r.weight for r in source.close() if isinstance(r, PacketSample) and r.length == 53 + 8 + 20 + 14]
    deviation = sum(w * (w - 1) for w in weights) ** 0.5
    assert abs(sum(weights) - 20_000) < 6 * deviation
    assert len(weights) < 1000


def test_a_full_map_still_counts() -> None:
    """Beyond max_keys drops are counted by reason, nothing is lost, and the ledger says so."""
    source = BpfSource(BpfOptions(max_keys=64, sample_bytes=0))
    source.open()
    subprocess.run(["ip", "netns", "add", "dwfull"], check=True)
    try:
        script = "".join(
            f"link add d{n} type veth peer name p{n}\nlink set d{n} up\nlink set p{n} up\n" for n in range(50)
        )
        subprocess.run(["ip", "-n", "dwfull", "-batch", "-"], input=script, text=True, check=True)
        frame = b"\xff" * 6 + bytes(6) + b"\x88\xb5" + bytes(60)
        sender = (
            "import socket\nfor n in range(50):\n s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
            f" s.bind((f'd{{n}}', 0))\n for _ in range(20): s.send({frame!r})\n"
        )
        subprocess.run(["ip", "netns", "exec", "dwfull", "python3", "-c", sender], check=True)
        _send(100, size=1007)
    finally:
        subprocess.run(["ip", "netns", "del", "dwfull"], check=True)
        totals = source._program.totals()
        records = source.close()
    counted = sum(r.count for r in records if isinstance(r, Drop))
    assert counted >= totals.drops
    unhandled = sum(r.count for r in records if isinstance(r, Drop) and r.key.kind.reason == "UNHANDLED_PROTO")
    assert unhandled == 1000
    (gap,) = [r for r in records if isinstance(r, Gap) and r.cause is GapCause.MAP_FULL]
    assert gap.effect is Effect.DETAIL
    assert gap.lost
    assert not [r for r in records if isinstance(r, Gap) and r.effect is Effect.PARTIAL]


def _bpf_files() -> int:
    """Return how many programs, maps and links of BPF this process holds: with the last holder they go."""
    files = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - it names itself
    return len([file for file in files if file.is_symlink() and "bpf" in os.readlink(file)])  # noqa: PTH115


def test_nothing_stays_in_the_kernel() -> None:
    """After close no program of ours is loaded, and closing twice is nothing."""
    gc.collect()
    before = _bpf_files()
    source = BpfSource()
    source.open()
    assert _bpf_files() > before
    source.close()
    assert source.close() == []
    assert _bpf_files() <= before + 1  # what is shared with the program, as long as somebody may look at it
    del source
    gc.collect()
    assert _bpf_files() == before


def test_reasons_are_the_running_kernels() -> None:
    """Names come from BTF without their prefix; a number that it does not know stays a number."""
    names = ReasonNames()
    names.load()
    with kernel_btf() as btf:
        numbers = {name: number for number, name in btf.enum("skb_drop_reason").items()}
    assert names.name(numbers["SKB_DROP_REASON_NO_SOCKET"]) == "NO_SOCKET"
    assert names.name(0x7FFF) == "0x7fff"
    assert names.name(0x00990001) == "0x990001"


def _cookie() -> int:
    """Return what the kernel says of the namespace of the calling thread."""
    with socket.socket() as sock:
        return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), sys.byteorder)


def test_namespaces_are_known_by_cookie(source: BpfSource) -> None:
    """An open file of a network namespace gives its cookie and inode; any other file, or none, gives nothing."""
    with Namespace(f"dwcookie-{os.getpid()}") as there, Path(f"/run/netns/dwcookie-{os.getpid()}").open() as file:
        assert source._program.namespace_of(file.fileno()) == (there.run(_cookie), there.inode)
    with OWN.open() as file:
        assert source._program.namespace_of(file.fileno()) == (_cookie(), OWN.stat().st_ino)
    for other in ("/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/status", "/dev/null"):
        with Path(other).open() as file:
            assert source._program.namespace_of(file.fileno()) is None
    for none in (1 << 10, 1 << 30, -1):
        assert source._program.namespace_of(none) is None


def test_drops_carry_the_cookie(source: BpfSource) -> None:
    """A namespace that is made anew under the same name, and mostly with the same inode, is another one."""
    seen = set()
    for _ in range(2):
        with Namespace(f"dwcookie-{os.getpid()}") as there:
            there.run(lambda: _send(7, size=1011))
            seen.add((there.run(_cookie), there.inode))
    keys = [RawKey.parse(raw) for raw, values in source._program.read("drops") if any(values)]
    assert {(key.cookie, key.netns) for key in keys} >= seen
    assert len({cookie for cookie, _ in seen}) == 2


def test_the_committed_object_is_what_the_source_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program rebuilt by Debian's clang behaves as the committed one: it loads, and counts the same drops."""
    if not shutil.which("clang") or not shutil.which("llvm-strip"):
        assert not CI, "CI installs clang and llvm"
        pytest.skip("needs clang, llvm and libbpf-dev")
    built = tmp_path / "drops.bpf.o"
    bpf = "dropwatchd/sources/bpf/drops.bpf"
    shutil.copy(ROOT / f"{bpf}.c", tmp_path)
    subprocess.run(["make", "-C", str(ROOT), "-s", "bpf", f"BPF={tmp_path / 'drops.bpf'}"], check=True)
    counts = []
    for folder in (built.parent, ROOT / "dropwatchd/sources/bpf"):
        monkeypatch.setattr(hold, "files", lambda _package, folder=folder: folder)
        source = BpfSource()
        source.open()
        _send(321, size=1009)
        counts.append([(d.key, d.count, d.octets) for d in _ours(source.close(), 1009)])
    assert counts[0] == counts[1]
    assert counts[0][0][1] == 321


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set(hours: int, source: BpfSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a drop and its read the clock is set: all is told on the new clock, and nothing ends before it begins."""
    began_ns, real = time.time_ns(), time.time_ns
    _send(5, size=1013)
    step_ns = hours * 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: real() + step_ns)
    records = source.close()
    (drop,) = _ours(records, 1013)
    assert began_ns + step_ns <= drop.first_ns <= drop.last_ns <= time.time_ns()
    for sample in (record for record in records if isinstance(record, PacketSample) and record.key == drop.key):
        assert drop.first_ns <= sample.time_ns <= drop.last_ns
    assert began_ns + step_ns <= source.complete_until() <= time.time_ns()
