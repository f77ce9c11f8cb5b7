"""Alerts in, counts out: what comes in is what goes out, whatever the order, windows and thinning."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.kernel.kallsyms import Kallsyms
from dropwatchd.model import NANO, Drop, Effect, Event, Gap, GapCause, Interface, Location, PacketSample, Record
from dropwatchd.sources.net_dm.names import Names
from dropwatchd.sources.net_dm.options import NetDmOptions
from dropwatchd.sources.net_dm.tally import Tally
from tests.dropwatchd.sources.net_dm import encode

START_NS = 1_700_000_000 * NANO
ALERTS = st.lists(st.tuples(
    st.sampled_from(["NO_SOCKET", "NOMEM", None]), st.integers(0, 3), st.sampled_from([0x0800, 0x86DD]),
    st.integers(0, 3 * NANO), st.integers(14, 9000)))


def tally(proc: Path = Path("/nonexistent"), **options: int | bool) -> Tally:
    return Tally(NetDmOptions(**options), NANO, Names(Kallsyms(proc)))  # type: ignore[arg-type]


def drops(records: Iterable[Record]) -> list[Drop]:
    return [record for record in records if isinstance(record, Drop)]


@encode.untimed
@given(ALERTS)
def test_counts_and_bytes_are_conserved(alerts: list[tuple[str | None, int, int, int, int]]) -> None:
    """For each key and window: as many drops and bytes as alerts came, between the first one's time and the last's."""
    counted = tally()
    messages = [encode.software(reason=reason, ifindex=ifindex, protocol=protocol, time_ns=START_NS + at, length=length)
                for reason, ifindex, protocol, at, length in alerts]
    assert counted.add(messages) == len(alerts)
    taken = drops(counted.take())
    expected: dict[object, list[tuple[int, int]]] = {}
    for reason, ifindex, protocol, at, length in alerts:
        expected.setdefault((reason, ifindex or None, protocol, at // NANO), []).append((START_NS + at, length))
    found = {(kind.reason, interface.ifindex, kind.protocol, (drop.first_ns - START_NS) // NANO):
             (drop.count, drop.octets, drop.first_ns, drop.last_ns)
             for drop in taken for _, kind, interface in [drop.key]}
    assert found == {key: (len(seen), sum(length for _, length in seen), min(seen)[0], max(seen)[0])
                     for key, seen in expected.items()}
    assert counted.total == len(alerts)
    assert not list(counted.take())


def test_the_first_packets_are_kept_and_the_rest_thinned_by_chance() -> None:
    """Weights add up to the count on average; the first of a window stand for themselves alone."""
    weights = []
    for _ in range(400):
        counted = tally(sample_first=4, sample_limit=10_000)
        counted.add([encode.software()] * 500)
        samples = [record for record in counted.take() if isinstance(record, PacketSample)]
        assert [sample.weight for sample in samples[:8]] == [1] * 8
        weights.append(sum(sample.weight for sample in samples))
    assert 450 < sum(weights) / len(weights) < 550  # 143 is the deviation of one sum, 7 of the mean


def test_samples_are_bounded_and_the_ledger_says_so() -> None:
    """Beyond the limit packets are still counted, and what was not kept is a gap in detail."""
    counted = tally(sample_first=64, sample_limit=10)
    counted.add([encode.software()] * 50)
    records = list(counted.take())
    assert [drop.count for drop in drops(records)] == [50]
    assert sum(isinstance(record, PacketSample) for record in records) == 10
    gap, = (record for record in records if isinstance(record, Gap))
    assert (gap.cause, gap.effect, gap.lost, gap.scope) == (GapCause.SAMPLES_LOST, Effect.DETAIL, 40, "packets")


def test_hardware_drops_have_trap_group_port_and_cookie() -> None:
    """Every attribute of a hardware alert ends in the key or in the sample."""
    counted = tally(hardware=True)
    counted.add([encode.hardware(cookie=b"\xab\xcd")])
    drop, sample = counted.take()
    assert isinstance(drop, Drop)
    assert isinstance(sample, PacketSample)
    assert drop.key.kind == (None, 0x0800, "hardware", "blackhole_route", "l3_drops")
    assert drop.key.interface == Interface(None, 2, "eth0")
    assert drop.key.location == Location(None)
    assert sample.details == {"flow_action_cookie": "abcd"}


def test_only_the_origins_asked_for_are_counted() -> None:
    """Beside another source of software drops, those that a fellow listener switched on are not counted twice."""
    counted = tally(software=False, hardware=True)
    counted.add([encode.software(), encode.summary((0x10, 5)), encode.hardware(), encode.hardware_summary(("ttl", 7))])
    assert {drop.key.kind.origin: drop.key.kind.trap for drop in drops(counted.take())} == {"hardware": "ttl"}
    assert counted.total == 8


def test_summaries_are_counted_by_location_and_trap() -> None:
    """A summary gives places and counts, no bytes; its drops lie in the second before it came."""
    counted = tally(hardware=True)
    counted.add([encode.summary((0xFFFFFFFF81000010, 3)), encode.hardware_summary(("blackhole_route", 8))])
    taken = drops(counted.take())
    assert [(drop.key.location.address, drop.key.kind.trap, drop.count, drop.octets) for drop in taken] == [
        (0xFFFFFFFF81000010, None, 3, None), (None, "blackhole_route", 8, None)]
    assert {drop.last_ns - drop.first_ns for drop in taken} == {NANO}


def test_addresses_without_a_name_are_in_the_ledger(tmp_path: Path) -> None:
    """How many drops have a bare address for a place, and why; none where the functions can be named."""
    address = 0xFFFFFFFF81000010
    for symbols, unnamed in ((None, [3]), ("0000000000000000 T _text\n", [3]), ("ffffffff81000000 T _text\n", [])):
        if symbols:
            (tmp_path / "kallsyms").write_text(symbols)
        counted = tally(tmp_path)
        counted.add([encode.summary((address, 3))])
        records = list(counted.take())
        gaps = [record for record in records if isinstance(record, Gap)]
        assert [gap.lost for gap in gaps if gap.cause is GapCause.NO_SYMBOLS and gap.effect is Effect.DETAIL] == unnamed
        assert [drop.key.location.symbol for drop in drops(records)] == [None if unnamed else "_text"]


def test_no_code_is_no_drop() -> None:
    """`pc == 0` says that a device's rx_dropped had moved when it was polled, not by how much: no count of packets."""
    counted = tally()
    counted.add([encode.summary((0, 2), (0xFFFFFFFF81000010, 3))])
    records = list(counted.take())
    assert [(drop.key.location.address, drop.count) for drop in drops(records)] == [(0xFFFFFFFF81000010, 3)]
    event, = (record for record in records if isinstance(record, Event))
    assert (event.kind, event.subject, event.detail) == (
        "drop monitor", "rx_dropped", "of a device had moved, at 2 polls")
    assert counted.total == 3
    counted.add([encode.summary((0, 2))] * 100)
    assert list(counted.take()) == []  # at most one event in a minute


@pytest.mark.parametrize("points", [63, 64])
def test_a_full_summary_is_a_gap(points: int) -> None:
    """The kernel has room for 64 locations and does not say whether there were more."""
    counted = tally()
    counted.add([encode.summary(*((0xFFFFFFFF81000000 + at, 1) for at in range(points)))])
    gaps = [(record.cause, record.lost) for record in counted.take()
            if isinstance(record, Gap) and record.cause is not GapCause.NO_SYMBOLS]
    assert gaps == ([(GapCause.SUMMARY_FULL, None)] if points == 64 else [])


@pytest.mark.parametrize(("protocol", "data", "link_header"), [
    (0x0800, b"\0" * 12 + b"\x08\0" + b"\x45" + b"\0" * 19, True),
    (0x0800, b"\x45" + b"\0" * 19, False),
    (0x86DD, b"\x60" + b"\0" * 39, False),
    (0x0800, b"\x45" + b"\0" * 11 + b"\x08\0" + b"\x45" + b"\0" * 19, True),
    (0x0806, b"\xff" * 6 + b"\0" * 6 + b"\x08\x06", True),
])
def test_a_device_without_link_header(protocol: int, data: bytes, link_header: bool) -> None:
    """Bytes that start with IP are told apart from those that start with a MAC address."""
    counted = tally()
    counted.add([encode.software(protocol=protocol, data=data)])
    sample, = (record for record in counted.take() if isinstance(record, PacketSample))
    assert (sample.link_header, sample.data) == (link_header, data)


def test_ever_new_keys_make_it_crowded() -> None:
    """A storm of keys is to be taken before the window ends; none is lost."""
    counted, seen = tally(), Counter[int | None]()
    for protocol in range(1, 5001):
        counted.add([encode.software(protocol=protocol)])
        if counted.crowded:
            seen.update(drop.key.kind.protocol for drop in drops(counted.take()))
    assert 4000 < len(seen) < 5000
    seen.update(drop.key.kind.protocol for drop in drops(counted.take()))
    assert seen == dict.fromkeys(range(1, 5001), 1)
