"""Asks the history for everything that is compared: drops, counters, samples, and what happened."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from dropwatchd.history.read.aligned import Aligned
from dropwatchd.history.read.levels import bound_sockets
from dropwatchd.history.read.reader import CounterTotal, DropTotal, PacketRow, Reader
from dropwatchd.history.read.settings import levels
from dropwatchd.history.read.spaces import spaces
from dropwatchd.history.read.stacks import stacks
from dropwatchd.model import NANO, DropKey, Effect, GapCause
from dwreport.causes import equalities
from dwreport.evidence.chains import Chains
from dwreport.evidence.compare import Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.infer import inferred
from dwreport.evidence.observed import observe
from dwreport.evidence.settings import Settings
from dwreport.evidence.stacks import Stacks
from dwreport.evidence.tally import Place

BEFORE_NS = 60 * NANO  # an event this long before the first drop may have to do with it
_SAMPLES = 200  # of each key: shares to within a few percent, whatever was recorded
_LOSSY = {Effect.BLIND, Effect.PARTIAL}
_SCOPES = {"drops", "software"}


def gather(reader: Reader, totals: Sequence[DropTotal]) -> Evidence:
    """Ask the history, and infer what follows, for these drops of a report."""
    aligned = Aligned(reader)
    names = {name.rpartition("/")[2] for equality in equalities() for name in equality.counters}
    kernels = _kernels(reader)
    counters = aligned.counters()
    sockets_looked, sockets = bound_sockets(reader)
    drops = observe(aligned.drops(), totals, reader.packets(_SAMPLES, every=True), kernels, _asked(reader))
    return inferred(Facts(
        drops, counters, aligned.looked_at(names),
        blind=_is_blind(reader), kernels=kernels, names=_names(reader, counters), events=reader.events(BEFORE_NS),
        devices={Place(device.host, device.netns, device.name): device for device in reader.devices()},
        sockets=sockets, sockets_looked=sockets_looked, settings=Settings(lambda: levels(reader, "device")),
        chains=Chains(lambda: levels(reader, "nftables")), spaces=spaces(reader),
        stacks=Stacks(lambda: stacks(reader))))


def _asked(reader: Reader) -> list[PacketRow] | None:
    """Return some of each key of the packets that the filters by what is in packets leave, None without such."""
    if reader.scope.only is None:
        return None
    found: dict[tuple[str, DropKey], list[PacketRow]] = defaultdict(list)
    seen: Counter[tuple[str, DropKey]] = Counter()
    every: dict[tuple[str, DropKey], int] = defaultdict(lambda: 1)  # of a key, every one of so many is kept
    for packet in reader.packets():
        subject = packet.host, packet.key
        if seen[subject] % every[subject] == 0:
            found[subject].append(packet)
            if len(found[subject]) > _SAMPLES:
                found[subject] = found[subject][::2]
                every[subject] *= 2
        seen[subject] += 1
    return [packet for packets in found.values() for packet in packets]


def _kernels(reader: Reader) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for run in reader.runs():
        found[run.hostname].add(run.kernel)
    return found


def _names(reader: Reader, counters: Iterable[CounterTotal]) -> dict[int, str]:
    """Return the names of namespaces; one alone whose counters were read is the initial one, though none was told."""
    names = reader.netns_names()
    read = {total.netns for total in counters if total.netns is not None}
    return {**dict.fromkeys(read, "init"), **names} if len(read) == 1 else names


def _is_blind(reader: Reader) -> bool:
    """Say whether drops went unseen while counters were read: not while the daemon was down."""
    lost = any(gap.effect in _LOSSY and gap.scope in _SCOPES and gap.lost != 0 and gap.cause != GapCause.DAEMON_DOWN
               for gap in reader.gaps())
    return lost or not any(watch.what == "software" for watch in reader.watches())
