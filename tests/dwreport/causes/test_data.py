"""The catalogue's data: complete, consistent, and true to the names that it refers to."""

import re
import tomllib
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from dwreport import causes
from dwreport.causes import Cause, Counter, Location, Reason, Trap, equalities
from dwreport.causes.files import BadEntry, files, made, parse, read
from dwreport.causes.index import Entry, Index, add, index

ROOT = Path(causes.__file__).parent
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.toml")
               if path.parent.name not in {"drivers", "kinds"})
SOURCE = re.compile(
    r"(net|drivers|include|kernel|Documentation)/[\w./-]+\.(c|h|rst)( (enum |struct )?\w+(, \w+)*)?",
)
TITLE_LENGTH = 80
TOTALS = {equality.total for equality in equalities()}
LABELLED = {name for equality in equalities() if equality.labels for name in equality.counters}
NSTAT = re.compile(r"(Ip6?|IpExt|Icmp6?|Tcp|TcpExt|Udp6?|UdpLite6?|Xfrm|Sctp|MPTcpExt)[A-Z]\w*")


def reasons() -> Iterator[Reason]:
    for name in index().reasons:
        found = causes.reason(name)
        assert found is not None, name
        yield found


def places() -> Iterator[Reason]:
    for name in index().places:
        plain, _, symbol = name.partition(" in ")
        found = causes.reason(plain, symbol)
        assert found is not None, name
        assert found.name == name
        yield found


def locations() -> Iterator[Location]:
    """Yield every location, and every family of locations under its own name."""
    for name in index().functions:
        found = causes.location(name)
        assert found is not None, name
        yield found
    for name, fields in read("families.toml").items():
        yield made(Location, "families.toml", name, {**fields, "name": name})


def traps() -> Iterator[Trap]:
    for name in read("traps.toml"):
        found = causes.trap(name)
        assert found is not None, name
        yield found


def counters() -> Iterator[Counter]:
    """Yield every counter, and every family of counters under its own name."""
    for file in files("counters"):
        collector = Path(file).stem
        for name, fields in read(file).items():
            found = causes.counter(collector, name)
            given = {**fields, "name": name, "collector": collector}
            yield made(Counter, file, name, given) if found is None or "match" in fields else found


@cache
def entries() -> list[Cause]:
    return [*reasons(), *places(), *locations(), *traps(), *counters()]


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_read_as_every_reader_of_toml_reads_it(file: str) -> None:
    assert read(file) == tomllib.loads((ROOT / file).read_text(encoding="utf-8"))


def test_the_entry_that_people_are_told_to_copy_is_one_and_the_fields_are_explained() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"^    \[(\w+)\]\n(    .+\n)+", readme, re.MULTILINE)
    assert example is not None
    [(name, fields)] = parse("README.md", re.sub("^    ", "", example[0], flags=re.MULTILINE)).items()
    assert fields == index().reasons[name].fields
    written = {field for file in files("layers") for entry in read(file).values() for field in entry}
    assert [field for field in sorted(written) if f"`{field}`" not in readme] == []


def test_everything_in_the_files_is_looked_at_here() -> None:
    in_layers = {(entry.file, entry.name) for entry in (*index().reasons.values(), *index().places.values())}
    in_layers |= {(spot.entry.file, spot.entry.name) for spot in index().functions.values()}
    assert len(in_layers) == sum(len(read(file)) for file in files("layers"))
    assert set(FILES) == {*files("layers"), *files("counters"), "families.toml", "traps.toml", "equalities.toml"}


def test_a_reason_that_is_explained_in_one_function_is_explained_in_all() -> None:
    for name, entry in index().places.items():
        plain = index().reasons.get(name.partition(" in ")[0])
        assert plain is not None, name
        assert plain.file == entry.file, name


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


def test_a_benign_drop_says_why_nobody_loses_anything_by_it() -> None:
    """Also that no other entry says so: what is suspect in one function must not inherit the comfort of its reason."""
    for entry in entries():
        if not (isinstance(entry, Counter) and entry.kind == "info"):
            assert (entry.harm == "benign") == bool(entry.harmless), entry.name


def test_nothing_is_benign_that_was_not_judged_to_be() -> None:
    """The list is kept by hand: who adds to it has asked of each whether it can be somebody's lost packet."""
    judged = (Path(__file__).parent / "benign.txt").read_text().splitlines()
    found = {_cause(entry) for entry in entries() if entry.harmless}
    assert sorted(found) == sorted(judged)


@pytest.mark.parametrize(("name", "function"), [
    ("QUEUE_PURGE", None), ("QUEUE_PURGE", "neigh_invalidate"), ("QUEUE_PURGE", "qdisc_reset"), ("SOCKET_CLOSE", None),
    ("SOCKET_CLOSE", "udp_destruct_common"), ("IPV6DISABLED", "ip6_output"), ("BRIDGE_INGRESS_STP_STATE", None),
])
def test_lost_packets_are_not_benign(name: str, function: str | None) -> None:
    found = causes.reason(name, function)
    assert found is not None
    assert (found.kind, found.harm, found.harmless) == ("drop", "suspect", "")


FAULTS = {
    "title": 'title = "a", "b"',
    "title is given twice": 'title = "a"\ntitle = "b"',
    "the name is given twice": "[FIRST]",
}


@pytest.mark.parametrize(("fault", "text"), FAULTS.items())
def test_a_fault_in_the_text_names_file_and_entry(fault: str, text: str) -> None:
    with pytest.raises(BadEntry, match=rf"^dwreport/causes/layers/ip\.toml, entry \[FIRST\]: {fault}"):
        parse("layers/ip.toml", f"[FIRST]\n{text}\n")


@pytest.mark.parametrize(("fields", "fault"), [
    ({"harm": "grave"}, "Invalid enum value 'grave' - at `$.harm`"), ({"titel": "A"}, "unknown field `titel`"),
    ({}, "missing required field `layer`"),
])
def test_a_field_that_is_wrong_unknown_or_missing_names_file_and_entry(fields: dict[str, str], fault: str) -> None:
    with pytest.raises(BadEntry) as caught:
        made(Reason, "layers/ip.toml", "FIRST", {"name": "FIRST", **fields})
    assert str(caught.value).startswith("dwreport/causes/layers/ip.toml, entry [FIRST]: ")
    assert fault in str(caught.value)


def test_a_function_that_two_entries_claim_names_the_second() -> None:
    """The first would hide the other, and a drop there would be explained by chance."""
    found = Index({}, {}, {})
    add(found, Entry("layers/ip.toml", "FIRST", {"functions": "net/ipv4/ip_input.c ip_rcv, ip_rcv_core"}))
    with pytest.raises(BadEntry, match=r"layers/udp\.toml, entry \[ip_rcv\(\)\]: ip_rcv has an entry already"):
        add(found, Entry("layers/udp.toml", "ip_rcv()", {}))


def test_texts_are_plain() -> None:
    """Texts go to a terminal and a headline: no control characters, no doubled blanks, no empty items."""
    for entry in entries():
        for text in (entry.title, entry.meaning, entry.source, entry.next, *entry.usual, *entry.look):
            assert text == " ".join(text.split()), entry.name
            assert text.isprintable(), entry.name
        assert "" not in (*entry.usual, *entry.look), entry.name


def test_placeholders_are_those_that_a_report_can_fill() -> None:
    known = {"{interface}", "{port}", "{remote}", "{symbol}"}
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
    known = {_written(counter): counter for counter in counters() if counter.match is None}
    there = {(reason.name, name) for reason in reasons() for name in reason.counters if name in known}
    assert len(there) > 100
    assert there == {(reason, name) for name, counter in known.items() for reason in counter.event}


def _written(counter: Counter) -> str:
    return counter.name if counter.name[0].isupper() else f"{counter.collector}/{counter.name}"


def test_a_counter_of_a_family_has_the_reasons_of_the_family() -> None:
    found = causes.counter("ethtool", "rx_csum_bad.nic")
    assert found is not None
    assert "UDP_CSUM" in found.event


def test_which_counters_move_with_a_reason_is_written_once() -> None:
    """In an equality, or in `counted`, or in `counters` of the cause: what stands twice will differ one day."""
    pairs = Tally((reason, name) for equality in equalities() for reason in equality.reasons
                  for name in (equality.total, *equality.counters) if name and not equality.optional)
    again = {(name, counter) for name, entry in index().reasons.items() for counter in entry.fields.get("counters", ())
             if (name, counter) in pairs}
    assert again == set()
    assert [pair for pair, times in pairs.items() if times > 1 and pair[1] not in TOTALS | LABELLED] == []


def test_what_follows_from_elsewhere_is_not_written_again() -> None:
    """It would be passed over in silence: a layer is its file's name, and `event` is what causes say of counters."""
    derived = {"layers": {"name", "layer", "cause", "match"}, "counters": {"name", "collector", "event"}}
    assert [(file, name) for folder, fields in derived.items() for file in files(folder)
            for name, entry in read(file).items() if fields & entry.keys()] == []


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
    place = f"{entry.cause} in {entry.name}" if isinstance(entry, Location) else entry.name
    if place in index().places:
        return index().places[place].name
    spot = index().functions.get(entry.name) if isinstance(entry, Location) else None
    return spot.entry.name if spot else entry.name


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
    families = read("counters/ethtool.toml")
    for name, family in expected.items():
        found = causes.counter("ethtool", name)
        assert found is not None, name
        assert found.title == families[family]["title"], name
    for ordinary in ("rx_packets", "tx_deferred_ok", "rx_csum_offload_good", "fdir_overflow"):
        assert causes.counter("ethtool", ordinary) is None
