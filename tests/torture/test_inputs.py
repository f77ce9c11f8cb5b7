"""Whatever comes from outside: no bytes end the daemon or a report, hang it, or make what cannot be written."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random
from struct import error

import pytest

from dropwatchd.config import ConfigError, parse
from dropwatchd.kernel import headers, links, netlink
from dropwatchd.kernel.kallsyms import Kallsyms
from dropwatchd.model import Reading
from dropwatchd.sources.net_dm import wire
from dropwatchd.sources.net_dm.memory import Memory
from dropwatchd.sources.net_dm.options import Config
from dwreport.packets.headers import traits, who
from tests import fixtures
from tests.dropwatchd.sources.net_dm.recorded import RECORDED, recorded
from tests.torture.conftest import LONG
from tests.torture.mutated import mutated
from tests.torture.outcome import Outcome

ROOT = Path(__file__).parents[2]
INPUTS = 1_000_000 if LONG else 20_000
PARSERS = 7 + len(fixtures.recorded())
EACH = -(-INPUTS // PARSERS)
_ALERTS = [message for path in RECORDED for message in recorded(path)]
_DATAGRAMS = [path.read_bytes() for path in fixtures.FOLDER.glob("*/netlink/*.bin")]
_IP = bytes.fromhex("0202020202020404040404040800450000540001000040110000c0000201c63364029c4013c400100000") + bytes(60)

Begin = Callable[[str], Outcome]


def _inputs(seeds: list[bytes], outcome: Outcome) -> Iterator[bytes]:
    chance = Random(outcome.fault)
    for _ in range(EACH):
        yield mutated(chance.choice(seeds), chance)
        outcome.add()


def test_netlink_datagrams(outcome: Begin) -> None:
    """Messages and attributes come to an end, and none is longer than what holds it."""
    for data in _inputs(_DATAGRAMS, outcome("mutated inputs: netlink datagrams")):
        for _kind, _flags, _sequence, payload in islice(netlink.split(data), len(data)):
            found = list(islice(netlink.attributes(payload), len(payload) + 1))
            assert sum(4 + len(value) for _kind, value in found) <= len(payload)


def test_links(outcome: Begin) -> None:
    """A message that has its fixed header is a device, with a name that can be written."""
    seeds = [message.payload for kernel in ("6.1", "6.12", "6.18") for message in fixtures.messages(kernel, "links")]
    for data in _inputs(seeds, outcome("mutated inputs: link messages")):
        if len(data) >= links.IFINFO.size:
            _ifindex, link = links.parse_link(data)
            for text in (link.name, link.kind, links.parse_name(data)[1]):
                assert text.encode() is not None
            links.moved(data)


def test_alerts(outcome: Begin) -> None:
    """What the drop monitor never says: a packet or a summary all the same, of texts that can be written."""
    for data in _inputs(_ALERTS, outcome("mutated inputs: drop monitor alerts")):
        if len(data) < wire.HEADERS:  # the receiver counts these
            with suppress(error):
                wire.command(data)
            continue
        what = wire.what(wire.packet(data).what)
        summary = wire.summary(data)
        assert len(summary.points) * 12 <= len(data)
        for text in (what.symbol, what.reason, what.port, what.trap, what.trap_group, *(n for n, _ in summary.traps)):
            assert text is None or text.encode() is not None


def test_packets(outcome: Begin) -> None:
    """What attackers write: headers end within the packet, and senders have texts."""
    chance = Random(1)
    seeds = [_IP, _IP[14:], bytes(300), *(wire.packet(alert).data for alert in _ALERTS)]
    for data in _inputs(seeds, outcome("mutated inputs: packets")):
        link_header, protocol = chance.random() < 0.5, chance.choice((None, 0x0800, 0x86DD, 0x8100, 0x6558))
        kept = headers.without_payload(data, protocol, link_header=link_header, payload_bytes=0)
        assert data.startswith(kept)
        found = who(data, protocol, link_header=link_header)
        assert all(text is None or text.encode() is not None for text in (found.source, found.destination))
        traits(data, protocol, link_header=link_header)


def test_configurations(outcome: Begin) -> None:
    """One line that names what is wrong, or a configuration."""
    seed = (ROOT / "systemd" / "config.toml").read_bytes()
    active = b"\n".join(line.removeprefix(b"# ") for line in seed.splitlines())
    for data in _inputs([seed, active, b"[counters]\ninterval_seconds = 5.0\ndisabled = ['snmp']\n"],
                        outcome("mutated inputs: configurations")):
        told = "config.toml: "
        try:
            parse(data.decode(errors="replace"), Path("config.toml"))
        except ConfigError as refused:
            told = str(refused)
        assert told.startswith("config.toml: ")
        assert "\n" not in told


def test_symbols(outcome: Begin, tmp_path: Path) -> None:
    """A list of functions or modules that makes no sense names none."""
    chance, address = Random(2), 0xFFFFFFFF81000123
    lines = b"".join(b"%016x t function_%d\t[mod]\n" % (address & ~0xFFF | number << 12, number) for number in range(9))
    modules = b"mod 16384 0 - Live 0xffffffffc0000000\n"
    for data in _inputs([lines], outcome("mutated inputs: kernel symbols")):
        (tmp_path / "kallsyms").write_bytes(data)
        (tmp_path / "modules").write_bytes(mutated(modules, chance))
        location = Kallsyms(tmp_path).names([address])[address]
        assert (location.symbol or "").encode() is not None
        assert location.symbol or location.address == address


def test_memories(outcome: Begin, tmp_path: Path) -> None:
    """What the drop monitor was set to before a kill is believed where it makes sense alone."""
    boot = tmp_path / "boot_id"
    boot.write_text("b-1\n")
    memory = Memory(tmp_path, boot)
    ours = found = Config("packet", 256, 1000)
    seed = json.dumps({"boot": "b-1", "original": ("summary", 0, 1000), "ours": ours}).encode()
    for data in _inputs([seed], outcome("mutated inputs: kept settings")):
        (tmp_path / "net_dm.json").write_bytes(data)
        original = memory.original(found, ours)
        assert original.mode in {"summary", "packet"}
        assert all(isinstance(value, int) and 0 <= value < 1 << 32 for value in original[1:])


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all recordings, to be changed."""
    copy = tmp_path / "fixtures"
    shutil.copytree(fixtures.FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__", "expected"))
    monkeypatch.setattr(fixtures, "FOLDER", copy)
    return copy


@pytest.mark.parametrize(("kernel", "collector"), fixtures.recorded())
def test_counters(outcome: Begin, tree: Path, kernel: str, collector: str) -> None:
    """A collector fails as others do, of whom one costs its own readings; or its readings can be written."""
    read = [path for path in sorted((tree / kernel).rglob("*")) if path.is_file() and _depends(path, kernel, collector)]
    assert read
    told, chance = outcome("mutated inputs: files and dumps of counters"), Random(f"{kernel} {collector}")
    for _ in range(EACH):
        path = chance.choice(read)
        whole = path.read_bytes()
        path.write_bytes(mutated(whole, chance))
        readings: list[Reading] = []
        with suppress(Exception):
            readings += fixtures.readings(kernel, collector)
        _assert_writable(readings)
        path.write_bytes(whole)
        told.add()


def _depends(path: Path, kernel: str, collector: str) -> bool:
    """Say whether a collector reads a file: without it something else comes out."""
    aside = path.rename(path.with_name(path.name + ".aside"))
    try:
        return fixtures.describe(fixtures.readings(kernel, collector)) != fixtures.expected(kernel, collector)
    except Exception:  # noqa: BLE001 - whatever it misses
        return True
    finally:
        aside.rename(path)


def _assert_writable(readings: list[Reading]) -> None:
    for reading in readings:
        key = reading.key
        texts = (key.name, key.interface or "", *(text for label in key.labels for text in label))
        assert all(isinstance(text.encode(), bytes) for text in texts)
        assert isinstance(reading.value, int)
