"""Counts alerts by key and window, and keeps samples of packets: the hot path of packet mode."""

import logging
import time
from collections.abc import Iterable, Iterator
from random import getrandbits
from types import MappingProxyType

from dropwatchd.kernel.headers import without_payload
from dropwatchd.model import NANO, Drop, DropKey, Effect, Event, Gap, GapCause, Origin, PacketSample, Record
from dropwatchd.sources.net_dm import wire
from dropwatchd.sources.net_dm.names import Names, point_key, trap_key
from dropwatchd.sources.net_dm.options import NetDmOptions
from dropwatchd.sources.net_dm.wire import Packet, Summary

log = logging.getLogger(__name__)
_CROWDED = 4096     # keys: a storm of ever new ones must not grow without end
_COMMAND = 16       # where struct genlmsghdr has it
_SUMMARY_NS = NANO  # dm_delay of net/core/drop_monitor.c: a summary leaves a second after its first drop
_NOTE_NS = 60 * NANO  # between two events that a device's rx_dropped has moved: it may for each poll
_IP_VERSIONS = {0x0800: 4, 0x86DD: 6}


class Tally:
    """What has come since the last `take`; `total` is the sum of all drops ever taken, `newest_ns` the latest."""

    def __init__(self, options: NetDmOptions, window_ns: int, names: Names | None = None) -> None:
        self._origins: tuple[Origin, ...] = options.origins
        self._shift = max(options.sample_first, 1).bit_length() - 1
        self._sample_limit = options.sample_limit
        self._payload_bytes = options.payload_bytes
        self._window_ns = window_ns
        self._names = names or Names()
        self._cells: dict[tuple[bytes, int, int], list[int]] = {}
        self._samples: list[tuple[Packet, int]] = []
        self._unsampled = 0
        self._summaries: list[tuple[int, Summary]] = []
        self._polls = self._noted_ns = 0
        self._since_ns = time.time_ns()
        self._told = ""
        self.total = 0
        self.newest_ns = 0

    @property
    def crowded(self) -> bool:
        """Say that `take` should not wait for the end of the window."""
        return len(self._cells) >= _CROWDED

    def add(self, messages: Iterable[bytes]) -> int:
        """Count alerts, and return how many messages there were.

        A cell is [count, bytes, first, last]. Its count decides on samples, by the rule of sample_weight() in
        drops.bpf.c: the first of a window are all kept, then one in 2, 4, 8... by chance, each of that weight.
        """
        cells, window_ns, shift, decode = self._cells, self._window_ns, self._shift, wire.packet
        number = 0
        for number, message in enumerate(messages, 1):  # noqa: B007 - the last one is the answer
            if message[_COMMAND] != wire.PACKET_ALERT:
                self._add_summary(message)
                continue
            packet = decode(message)
            raw, time_ns, length, protocol, _ = packet
            key = raw, protocol, time_ns // window_ns
            cell = cells.get(key)
            if cell is None:
                cells[key] = cell = [0, 0, time_ns, time_ns]
            step = cell[0] >> shift
            cell[0] += 1
            cell[1] += length
            if time_ns > cell[3]:
                cell[3] = time_ns
            elif time_ns < cell[2]:
                cell[2] = time_ns
            weight = 1 << step.bit_length() - 1 if step else 1
            if weight == 1 or not getrandbits(32) & weight - 1:
                self._keep(packet, weight)
        return number

    def _add_summary(self, message: bytes) -> None:
        if message[_COMMAND] == wire.ALERT:
            self._summaries.append((time.time_ns(), wire.summary(message)))

    def _keep(self, packet: Packet, weight: int) -> None:
        if len(self._samples) < self._sample_limit:
            self._samples.append((packet, weight))
        elif self._sample_limit:
            self._unsampled += 1

    def take(self) -> Iterator[Record]:
        """Yield all that was counted, and the samples; then the tally is empty."""
        since_ns, self._since_ns = self._since_ns, time.time_ns()
        yield from self._take_packets()
        yield from self._take_summaries()
        if self._unsampled:
            yield Gap(since_ns, self._since_ns, GapCause.SAMPLES_LOST, Effect.DETAIL, self._unsampled, "packets",
                      "sample limit reached")
            self._unsampled = 0

    def _take_packets(self) -> Iterator[Record]:
        names = self._names
        names.learn({raw for raw, _, _ in self._cells})
        for (raw, protocol, _), (count, octets, first_ns, last_ns) in self._cells.items():
            self.newest_ns = max(self.newest_ns, last_ns)
            if names.what(raw).origin in self._origins:
                self.total += count
                yield Drop(names.key(raw, protocol), count, octets, first_ns, last_ns)
        for packet, weight in self._samples:
            what = names.what(packet.what)
            if what.origin in self._origins:
                details = {"flow_action_cookie": what.cookie.hex()} if what.cookie else {}
                link_header = _has_link_header(packet)
                data = without_payload(packet.data, packet.protocol, link_header=link_header,
                                       payload_bytes=self._payload_bytes)
                yield PacketSample(names.key(packet.what, packet.protocol), packet.time_ns, packet.length, data,
                                   weight, link_header, MappingProxyType(details))
        self._cells.clear()
        self._samples.clear()

    def _take_summaries(self) -> Iterator[Record]:
        """Counts without packets: where nothing else is known, a summary's drops lie in the second before it came."""
        names = self._names.locations({address for _, summary in self._summaries for address, _ in summary.points
                                       if address != wire.NO_CODE})
        for until_ns, summary in self._summaries:
            self.newest_ns = max(self.newest_ns, until_ns)
            points = [(point_key(names[address]), count) for address, count in summary.points
                      if address != wire.NO_CODE]
            traps = [(trap_key(trap), count) for trap, count in summary.traps]
            entries = len(summary.points)
            for origin, counted, places in (("software", points, entries), ("hardware", traps, len(traps))):
                if origin in self._origins:
                    self.total += sum(count for _, count in counted)
                    yield from _counted(counted, until_ns)
                    yield from self._unnamed(counted, until_ns)
                    if places >= wire.MAX_POINTS:
                        yield _full(until_ns, origin)
            self._polls += sum(count for address, count in summary.points if address == wire.NO_CODE)
        self._summaries.clear()
        if self._polls and "software" in self._origins and self.newest_ns >= self._noted_ns + _NOTE_NS:
            self._noted_ns = self.newest_ns
            yield Event(self.newest_ns, "drop monitor", "rx_dropped", f"of a device had moved, at {self._polls} polls")
            self._polls = 0


    def _unnamed(self, counted: list[tuple[DropKey, int]], until_ns: int) -> Iterator[Gap]:
        """Say that drops have an address for a place, which means nothing after the next boot, and why."""
        trouble = self._names.trouble
        unnamed = sum(count for key, count in counted if key.location.address is not None)
        if trouble and unnamed:
            since_ns = until_ns - _SUMMARY_NS
            yield Gap(since_ns, until_ns, GapCause.NO_SYMBOLS, Effect.DETAIL, unnamed, "software", trouble)
        if trouble != self._told:
            self._told = trouble
            log.warning("functions that drop %s", f"cannot be named: {trouble}" if trouble else "are named again")


def _counted(counted: list[tuple[DropKey, int]], until_ns: int) -> Iterator[Drop]:
    for key, count in counted:
        yield Drop(key, count, None, until_ns - _SUMMARY_NS, until_ns)


def _full(until_ns: int, scope: str) -> Gap:
    return Gap(until_ns - _SUMMARY_NS, until_ns, GapCause.SUMMARY_FULL, Effect.PARTIAL, None, scope,
               "the kernel counts no further location in that second on that CPU")


def _has_link_header(packet: Packet) -> bool:
    """The bytes start at the MAC header, which is empty on devices that have none: there IP comes first."""
    _, _, _, protocol, data = packet
    version = _IP_VERSIONS.get(protocol)
    return not version or not data or data[0] >> 4 != version or data[12:14] == protocol.to_bytes(2, "big")
