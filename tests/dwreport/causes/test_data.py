"""The catalogue's data: complete, consistent, and true to the names that it refers to."""

import re
import tomllib
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from dwreport import causes
from dwreport.causes import Cause, Counter, Location, Reason, Trap
from dwreport.reconcile.algebra import equalities

ROOT = Path(causes.__file__).parent
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.toml") if path.parent.name not in {"drivers", "kinds"})
SOURCE = re.compile(
    r"(net|drivers|include|kernel|Documentation)/[\w./-]+\.(c|h|rst)( (enum |struct )?\w+(, \w+)*)?",
)
TITLE_LENGTH = 80
NSTAT = re.compile(r"(Ip6?|IpExt|Icmp6?|Tcp|TcpExt|Udp6?|UdpLite6?|Xfrm|Sctp|MPTcpExt)[A-Z]\w*")


@cache
def tables(file: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads((ROOT / file).read_text(encoding="utf-8"))


def reasons() -> Iterator[Reason]:
    for file in FILES:
        if file.parts[0] == "reasons":
            for name in tables(file):
                found = causes.reason(name)
                assert found is not None, name
                yield found


def places() -> Iterator[Reason]:
    for name in tables(Path("places.toml")):
        plain, _, symbol = name.partition(" in ")
        found = causes.reason(plain, symbol)
        assert found is not None, name
        assert found.name == name
        yield found


def locations() -> Iterator[Location]:
    """Yield every location, and every family of locations under its own name."""
    for name, fields in tables(Path("locations.toml")).items():
        found = causes.location(name)
        yield msgspec.convert(fields | {"name": name}, Location) if found is None or "match" in fields else found


def traps() -> Iterator[Trap]:
    for name in tables(Path("traps.toml")):
        found = causes.trap(name)
        assert found is not None, name
        yield found


def counters() -> Iterator[Counter]:
    """Yield every counter, and every family of counters under its own name."""
    for file in FILES:
        if file.parts[0] == "counters":
            for name, fields in tables(file).items():
                found = causes.counter(file.stem, name)
                given = fields | {"name": name, "collector": file.stem}
                yield msgspec.convert(given, Counter) if found is None or "match" in fields else found


@cache
def entries() -> list[Cause]:
    return [*reasons(), *places(), *locations(), *traps(), *counters()]


def test_entries_read_one_by_one_are_what_the_whole_file_says() -> None:
    """Tables are cut out of the text by their headers: TOML that spans lines would be cut wrongly."""
    for entry in entries():
        for field, value in tables(_file(entry))[entry.name].items():
            if field != "same_as":
                expected = tuple(value) if isinstance(value, list) else value
                assert getattr(entry, field) == expected, entry.name


def _file(entry: Cause) -> Path:
    match entry:
        case Location():
            return Path("locations.toml")
        case Trap():
            return Path("traps.toml")
        case Counter():
            return Path("counters", f"{entry.collector}.toml")
    return Path("places.toml" if " in " in entry.name else f"reasons/{entry.layer}.toml")


def test_everything_in_the_files_is_looked_at_here() -> None:
    assert len(entries()) == sum(len(tables(file)) for file in FILES)


def test_names_are_given_once() -> None:
    """A reason is in one layer's file only, or the first file would hide the other."""
    names = Tally(reason.name for reason in reasons())
    assert [name for name, times in names.items() if times > 1] == []


def test_a_reason_stands_in_the_file_of_its_layer() -> None:
    for file in FILES:
        if file.parts[0] == "reasons":
            assert {fields["layer"] for fields in tables(file).values()} == {file.stem}


def test_every_entry_says_what_happened_in_one_clause_and_why() -> None:
    for entry in entries():
        assert 0 < len(entry.title) <= TITLE_LENGTH, entry.name
        assert not entry.title.endswith("."), entry.name
        assert entry.meaning.endswith((".", "?")), entry.name
        assert entry.kind in {"drop", "error", "pressure", "info"}, entry.name
        assert entry.harm in {"benign", "suspect", "harmful"}, entry.name


def test_every_entry_but_ordinary_traffic_says_what_causes_it_and_what_to_do() -> None:
    for entry in entries():
        if not isinstance(entry, Counter) or entry.kind != "info" or entry.harm != "benign":
            assert entry.usual, entry.name
            assert entry.next, entry.name


def test_texts_are_plain() -> None:
    """Texts go to a terminal and a headline: no control characters, no doubled blanks, no empty items."""
    for entry in entries():
        for text in (entry.title, entry.meaning, entry.source, entry.next, *entry.usual, *entry.look):
            assert text == " ".join(text.split()), entry.name
            assert text.isprintable(), entry.name
        assert "" not in (*entry.usual, *entry.look), entry.name


def test_placeholders_are_those_that_a_report_can_fill() -> None:
    known = {"{interface}", "{port}", "{symbol}"}
    for entry in entries():
        found = {place for text in (entry.next, *entry.look) for place in re.findall(r"\{\w+\}", text)}
        assert found <= known, entry.name


def test_every_entry_cites_its_source() -> None:
    for entry in entries():
        for citation in entry.source.split("; "):
            assert SOURCE.fullmatch(citation), (entry.name, citation)


def test_reasons_and_counters_that_are_referred_to_exist() -> None:
    for entry in entries():
        wanted, referred = _references(entry)
        assert [name for name in wanted if causes.written(name) is None] == [], entry.name
        assert [name for name in referred if not _is_counter(name)] == [], entry.name


def _references(entry: Cause) -> tuple[Sequence[str], Sequence[str]]:
    """Return the reasons and the counters that an entry names."""
    match entry:
        case Reason():
            return (), entry.counters
        case Location():
            return entry.possible(()), ()
        case Counter():
            return entry.event, [_qualified(entry, part) for part in entry.parts]
    return (), ()


def _qualified(total: Counter, part: str) -> str:
    return part if part[0].isupper() else f"{total.collector}/{part}"


@cache
def _is_counter(name: str) -> bool:
    return any(isinstance(found, Counter) for found in causes.explain(name))


def test_counters_that_texts_name_exist() -> None:
    """`nstat -az NAME` prints nothing for a name that the kernel does not have."""
    for entry in entries():
        for text in (entry.next, *entry.look):
            unknown = [found.group() for found in NSTAT.finditer(text) if not _is_counter(found.group())]
            assert unknown == [], entry.name


def test_counters_of_a_reason_name_it_in_turn() -> None:
    """What moves with a drop, and which drops a counter stands for, are one relation seen from both ends."""
    known = {(counter.collector, counter.name): counter for counter in counters()}
    for reason in reasons():
        for name in reason.counters:
            collector, _, plain = name.rpartition("/")
            same = [
                found for (home, own), found in known.items() if own == plain and collector in ("", home)
            ]
            assert any(reason.name in found.event for found in same), (reason.name, name)


def test_a_total_is_no_part_of_itself() -> None:
    for counter in counters():
        assert counter.name not in counter.parts


def test_headlines_differ_unless_the_cause_is_the_same() -> None:
    """Two rows under one headline would look like one cause counted twice."""
    titles: dict[str, set[str]] = {}
    for entry in entries():
        titles.setdefault(entry.title, set()).add(_cause(entry))
    assert {title: names for title, names in titles.items() if len(names) > 1} == {}


def _cause(entry: Cause) -> str:
    fields = tables(_file(entry))[entry.name]
    return str(fields.get("cause") or fields.get("same_as") or entry.name)


def test_a_candidate_that_is_a_counter_can_be_told_by_it() -> None:
    """A counter that no equality holds against drops without a reason would never settle anything."""
    told = {reason for equality in equalities() for reason in equality.reasons}
    for entry in locations():
        for name in entry.possible(()):
            assert causes.reason(name) or name in told, (entry.name, name)


def test_there_are_enough_locations_for_a_kernel_without_reasons() -> None:
    assert len(list(locations())) >= 150


def test_families_find_the_names_that_drivers_use_and_nothing_else() -> None:
    """Rules are tried in order: the particular ones stand before those that match any drop or error."""
    expected = {
        "rx_missed_errors": "rx_ring_full",
        "rx_no_buffer_count": "rx_no_buffer",
        "rx_out_of_buffer": "rx_ring_full",
        "port.rx_discards": "rx_overflow",
        "rx_dropped.nic": "rx_overflow",
        "  pkts rx OOB": "rx_ring_full",
        "rx_fifo_errors": "rx_overflow",
        "rx_crc_errors_phy": "rx_physical",
        "rx_frame_errors": "rx_physical",
        "align_errors": "rx_physical",
        "rx_queue_0_drops": "queue_drops",
        "  drv dropped rx total": "queue_drops",
        "rx_queue_3_xdp_drops": "xdp_drops",
        "tx_queue_0_xdp_xmit_errors": "xdp_tx_drops",
        "tx_busy": "tx_stopped",
        "tx2_stopped": "tx_stopped",
        "tx_timeout_count": "tx_timeout",
        "rx_csum_bad.nic": "rx_csum_bad",
        "pps_allowance_exceeded": "allowance_packets",
        "tx0_dropped": "tx_dropped",
        "tx_errors": "tx_errors",
        "rx0_buff_alloc_err": "alloc_failed",
        "rx_steer_missed_packets": "rx_filtered",
        "rx_pause_ctrl_phy": "pause",
        "rx_over_errors": "rx_overflow",
    }
    families = tables(Path("counters/ethtool.toml"))
    for name, family in expected.items():
        found = causes.counter("ethtool", name)
        assert found is not None, name
        assert found.title == families[family]["title"], name
    for ordinary in ("rx_packets", "tx_deferred_ok", "rx_csum_offload_good", "fdir_overflow"):
        assert causes.counter("ethtool", ordinary) is None
