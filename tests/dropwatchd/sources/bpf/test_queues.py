"""What queueing disciplines say of their drops since Linux 7.1: held to its types, and rehearsed on older kernels."""

import os
import platform
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dropwatchd.kernel.btf import Btf, kernel_btf
from dropwatchd.kernel.libbpf import libbpf
from dropwatchd.kernel.reasons import names
from dropwatchd.model import Drop, PacketSample
from dropwatchd.sources.bpf import BpfOptions, BpfSource, hold
from dropwatchd.sources.bpf.hold import Loaded, programs
from tests.gallery.namespace import Namespace

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CI = os.environ.get("CI") == "true"
TYPES = ROOT / "tests/fixtures/7.2/types.btf"
INCLUDES = f"/usr/include/{platform.machine()}-linux-gnu"


@contextmanager
def recorded() -> Iterator[Btf]:
    handle = libbpf().check("btf__parse_split", str(TYPES).encode(), None)
    try:
        yield Btf(handle)
    finally:
        libbpf().btf__free(handle)


def test_the_second_program_is_for_kernels_whose_queues_tell() -> None:
    with recorded() as btf:
        assert programs(btf) == ("on_drop_with_socket", True)


@pytest.mark.kernel
def test_it_is_for_no_others() -> None:
    """As long as this kernel is older; its own program is chosen by the same types."""
    with kernel_btf() as btf:
        assert programs(btf)[1] == (btf.tracepoint_arguments("qdisc_drop") > 0)


def test_reasons_of_queues_have_their_names() -> None:
    """Beside the core's, and without what only frames the enumeration."""
    with recorded() as btf:
        found = names(btf)
    assert found[0x30002] == "QDISC_DROP_OVERLIMIT"
    assert found[0x30005] == "QDISC_DROP_FLOOD_PROTECTION"
    assert {number for number in found if number >> 16 == 3} == set(range(0x30001, 0x3000A))
    assert "QDISC_DROP" in found.values()


@pytest.fixture
def rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BpfSource]:
    """A source whose program is told of drops of queues as 7.1 tells them."""
    if not shutil.which("clang"):
        assert not CI, "CI installs clang"
        pytest.skip("needs clang and libbpf-dev")
    drops = f'-DDROPS="{ROOT}/dropwatchd/sources/bpf/drops.bpf.c"'
    subprocess.run(["clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", f"-I{INCLUDES}", drops, "-c",
                    str(HERE / "rehearsal.c"), "-o", str(tmp_path / "drops.bpf.o")], check=True)
    monkeypatch.setattr(hold, "files", lambda _package: tmp_path)
    source = BpfSource(BpfOptions(sample_first=16))
    source.open()
    held = source._program.hold
    assert isinstance(held, Loaded)
    held.detach()  # and behind the other again: programs run in the order in which they were attached
    other = libbpf().check("bpf_program__attach", held._program("rehearse"))
    held.attach()
    yield source
    source.close()
    libbpf().bpf_link__destroy(other)


@pytest.mark.kernel
def test_a_drop_has_the_reason_and_the_queue_that_was_told_of_it(rehearsed: BpfSource) -> None:
    """Each has its own, and drops of the same CPU that no queue makes have none; the counts are those of before."""
    with Namespace(f"dwqueues-{os.getpid()}") as there:
        there.command("ip link add out0 type veth peer name in0")
        there.command("ip addr add 192.0.2.1/24 dev out0")
        for name in ("in0", "out0"):
            there.command(f"ip link set {name} up")
        there.command("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out0")
        there.command("tc qdisc add dev out0 root handle 8001: bfifo limit 1")
        there.run(_send)
        records = [record for record in rehearsed.close() if isinstance(record, Drop | PacketSample)
                   and record.key.interface.netns_inode == there.inode]
    drops = [record for record in records if isinstance(record, Drop)]
    counts = Counter[tuple[str | None, str | None]]()
    for drop in drops:
        counts[drop.key.kind.reason, drop.key.interface.name] += drop.count
    assert counts["0x30002", "out0"] == 7
    assert counts["QDISC_DROP", "out0"] == 5
    assert counts["NO_SOCKET", "lo"] == 5
    queues = {(record.key.kind.reason, record.details.get("queue"))
              for record in records if isinstance(record, PacketSample)}
    assert queues == {("0x30002", "bfifo 8001:"), ("QDISC_DROP", "bfifo 8001:"), ("NO_SOCKET", None)}


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for size in (1200, 20, 1200, 20, 1200, 20, 1200, 20, 1200, 20, 1200, 1200):
            sock.sendto(bytes(size), ("192.0.2.2", 9))
            if size < 1000:
                sock.sendto(bytes(size), ("127.0.0.1", 9))
