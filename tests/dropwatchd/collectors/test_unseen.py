"""The unseen collector: what is there in which packets are lost unseen."""

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dropwatchd.check import _UNSEEN, check
from dropwatchd.collectors import _features, capture, unseen
from dropwatchd.config import Config, Counters
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import link_names
from dropwatchd.kernel.netns import current_cookie
from dropwatchd.model import Reading
from dwreport import causes
from dwreport.causes.files import read
from tests.dropwatchd.kernel.test_captures import inode_of
from tests.fixtures.namespace import Namespace
from tests.fixtures.ring import Ring
from tests.gallery.needs import require_kernel

NETNS = 7


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    require_kernel()
    with Namespace() as namespace:
        yield namespace


def _look(namespace: Namespace) -> list[Reading]:
    number = namespace.run(current_cookie) or 0
    return namespace.run(lambda: list(unseen.collect(Host(netns=number))))


@pytest.mark.kernel
@pytest.mark.usefixtures("no_bpf")
def test_a_capture_that_may_not_be_looked_at(namespace: Namespace) -> None:
    """Without the rights to, a capture is told with its program; once it has gone, that is told once."""
    assert _look(namespace) == []
    with namespace.run(lambda: Ring("lo", 0x0800)) as ring:
        (found,) = _look(namespace)
        labels = dict(found.key.labels)
        assert (found.key.name, found.value, found.bits) == ("capture", 1, 0)
        assert (labels["pid"], labels["inode"]) == (str(os.getpid()), str(inode_of(ring.socket)))
    (gone,) = _look(namespace)
    assert (gone.key, gone.value) == (found.key, 0)
    assert _look(namespace) == []


@pytest.mark.kernel
def test_a_capture_that_is_looked_at(namespace: Namespace) -> None:
    """It is listed where the kernel does not show what its owner takes away, and nowhere else."""
    looked = capture.opened()
    assert not isinstance(looked, OSError)
    with namespace.run(lambda: Ring("lo", 0x0800)):
        assert [row.key.name for row in _look(namespace)] == ([] if looked.is_complete else ["capture_statistics"])


def test_features_are_told_by_their_bits() -> None:
    """Names are in the order of the bits; a block holds 32 of them, and only the active ones count."""
    names = b"".join(name.ljust(32, b"\0") for name in [b"a", *[b"x"] * 31, b"hw-tc-offload", b"b"])
    answer = struct.pack("=III", 0x1B, 4, 34) + names
    blocks = struct.pack("=II", 0x3A, 4) + struct.pack("=4I", 9, 9, 1, 9) + struct.pack("=4I", 3, 3, 1, 3) + bytes(32)
    assert _features.parse(answer, blocks) == {"a", "hw-tc-offload"}


@pytest.mark.kernel
def test_features_of_a_device(namespace: Namespace) -> None:
    """The kernel is asked: what ethtool -K switches is told, and a device that has gone is none."""
    namespace.command("ip link add left type veth peer name right")
    numbers = namespace.run(lambda: {name: number for number, name in link_names().items()})
    left, right = numbers["left"], numbers["right"]
    namespace.command("ethtool -K left gro on")
    namespace.command("ethtool -K right gro off")
    assert namespace.run(lambda: _features.having("rx-gro", [left, right, 1 << 20])) == {left}


def test_whoever_tells_of_it_knows_every_kind() -> None:
    """--check and the catalogue have words for the same kinds, and the catalogue for each what would show it."""
    meanings = read("counters/unseen.toml")
    assert meanings.keys() == _UNSEEN.keys()
    for name in meanings:
        cause = causes.of_counter(unseen.NAME, name)
        assert cause
        assert cause.next


@pytest.mark.kernel
@pytest.mark.usefixtures("no_bpf")
def test_check_lists_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With whose it is, and what would show it; not where the collector is switched off."""
    require_kernel()
    config = Config(database=str(tmp_path / "new.db"), source="none")
    with Ring("lo", 0x0800):
        check(config)
        process = Path("/proc/self/comm").read_text().strip()
        row = f"{process}[{os.getpid()}]: what this capture loses cannot be read"
        assert re.search(rf"^not seen +capture +no +{re.escape(row)}", capsys.readouterr().out, re.MULTILINE)
        check(replace(config, counters=Counters(disabled=("unseen",))))
        assert "not seen" not in capsys.readouterr().out
