"""Brings together what findings are made of, from a history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dropwatchd.history.aligned import Aligned
from dropwatchd.history.reader import DropTotal, PacketRow, Reader
from dropwatchd.model import NANO, DropKey, Effect, GapCause
from dwreport.evidence.facts import Facts
from dwreport.evidence.infer import settled
from dwreport.evidence.record import Evidence, Sampled
from dwreport.packets.headers import traits
from dwreport.reconcile.algebra import equalities

BEFORE_NS = 60 * NANO  # an event this long before the first drop may have to do with it
_SAMPLES = 200  # of each key: shares to within a few percent, whatever was recorded
_HEADERS = 74  # bytes: Ethernet and the longest IPv4 header
_LOSSY = {Effect.BLIND, Effect.PARTIAL}
_SCOPES = {"drops", "software"}


def gather(reader: Reader, drops: Sequence[DropTotal]) -> Facts:
    """Ask the history, for these drops of a report."""
    aligned = Aligned(reader)
    names = {name.rpartition("/")[2] for equality in equalities() for name in equality.counters}
    packets = list(reader.packets(_SAMPLES))
    evidence, agreements = settled(Evidence(
        aligned.drops(), aligned.counters(), aligned.looked_at(names), blind=_is_blind(reader),
        kernels=_kernels(reader), sampled=sampled(packets)))
    return Facts(drops, packets, evidence, agreements, _names(reader, evidence), reader.events(BEFORE_NS))


def sampled(packets: Iterable[PacketRow]) -> dict[tuple[str, DropKey], Sampled]:
    """Return what all packets have that were sampled of a drop, and what any of them may have."""
    found: dict[tuple[str, DropKey], Sampled] = {}
    for packet in packets:
        own = traits(packet.data, packet.key.kind.protocol, link_header=packet.link_header)
        whole = packet.link_header and len(packet.data) >= min(packet.length, _HEADERS)
        may = own if whole else Sampled().some
        every, some = found.get((packet.host, packet.key), (own, may))
        found[packet.host, packet.key] = Sampled(every & own, some | may)
    return found


def _kernels(reader: Reader) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for run in reader.runs():
        found[run.hostname].add(run.kernel)
    return found


def _names(reader: Reader, evidence: Evidence) -> dict[int, str]:
    """Return the names of namespaces; one alone whose counters were read is the initial one, though none was told."""
    names = reader.netns_names()
    read = {total.netns for total in evidence.counters if total.netns is not None}
    return {**dict.fromkeys(read, "init"), **names} if len(read) == 1 else names


def _is_blind(reader: Reader) -> bool:
    """Say whether drops went unseen while counters were read: not while the daemon was down."""
    lost = any(gap.effect in _LOSSY and gap.scope in _SCOPES and gap.lost != 0 and gap.cause != GapCause.DAEMON_DOWN
               for gap in reader.gaps())
    return lost or not any(watch.what == "software" for watch in reader.watches())
