"""What waits to be written: threads put in, the writer takes out; merged and bounded while the disk stalls."""

from collections.abc import Iterable
from dataclasses import replace
from threading import Condition

from dropwatchd.history.batch import Batch, Round, Visits
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Drop,
    Effect,
    Event,
    Gap,
    GapCause,
    PacketSample,
    Record,
    Start,
)
from dropwatchd.pipeline.windows import Windows

_MOST_PACKETS = 20_000
_MOST_NOTES = 10_000  # gaps and events


class Buffer:
    """The only thing that the threads share."""

    def __init__(self, window_ns: int = NANO) -> None:
        self._changed = Condition()
        self._windows = Windows(window_ns)
        self._packets: list[PacketSample] = []
        self._notes: list[Gap | Event] = []
        self._changes: dict[CounterKey, CounterChange] = {}
        self._starts: list[Start] = []
        self._poller: list[Round] = []
        self._visits: dict[int, Visits] = {}
        self._namespaces: dict[int, str] = {}
        self._discarded_packets = 0
        self._seen_ns = 0
        self._closed = False

    def add(self, records: Iterable[Record], seen_ns: int) -> int:
        """Take what a source has read, complete up to `seen_ns`; return how many packets were dropped."""
        dropped = 0
        with self._changed:
            for record in records:
                if isinstance(record, Drop):
                    self._windows.add(record)
                    dropped += record.count
                elif isinstance(record, PacketSample):
                    self._add_packet(record)
                else:
                    self._notes.append(record)
                    del self._notes[:-_MOST_NOTES]
            self._seen_ns = max(seen_ns, self._seen_ns)
            self._changed.notify()
        return dropped

    def _add_packet(self, packet: PacketSample) -> None:
        if len(self._packets) < _MOST_PACKETS:
            self._packets.append(packet)
        else:
            self._discarded_packets += 1

    def add_round(self, round_: Round, changes: Iterable[CounterChange], starts: Iterable[Start]) -> None:
        """Take what a collector has read."""
        with self._changed:
            self._poller.append(round_)
            self._starts.extend(starts)
            for change in changes:
                self._add_change(change)
            self._changed.notify()

    def add_visit(self, netns: int, begun_ns: int, ended_ns: int) -> None:
        """Take that all collectors have read a namespace, each of them between these times."""
        with self._changed:
            first_ns, _ = self._visits.get(netns, (ended_ns, 0))
            self._visits[netns] = first_ns, begun_ns

    def name_namespace(self, inode: int, name: str) -> None:
        """Tell what a namespace is called whose counters are read."""
        with self._changed:
            self._namespaces[inode] = name

    def _add_change(self, change: CounterChange) -> None:
        held = self._changes.get(change.key)
        if held is not None:
            change = replace(change, since_ns=held.since_ns, delta=held.delta + change.delta)
        self._changes[change.key] = change

    def wait(self, timeout: float) -> bool:
        """Wait until there is something to write, or for `timeout` seconds; return False once closed."""
        with self._changed:
            if not (self._closed or self._windows or self._packets or self._notes or self._poller):
                self._changed.wait(timeout)
            return not self._closed

    def gather(self, seconds: float) -> None:
        """Wait so long for more, but not past the close."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def close(self) -> None:
        """Let the writer take what is left, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> Batch:
        """Return everything, and hold nothing."""
        with self._changed:
            batch = Batch(
                seen_ns=self._seen_ns,
                windows=self._windows.take(),
                packets=self._packets,
                gaps=[note for note in self._notes if isinstance(note, Gap)],
                events=[note for note in self._notes if isinstance(note, Event)],
                changes=list(self._changes.values()),
                starts=self._starts,
                rounds=self._poller,
                visits=self._visits,
                namespaces=self._namespaces,
            )
            self._visits, self._namespaces = {}, {}
            self._packets, self._notes, self._starts, self._poller, self._changes = [], [], [], [], {}
        return batch

    def put_back(self, batch: Batch) -> None:
        """Hold a batch again that could not be written: counts are merged, nothing is counted twice."""
        with self._changed:
            self._windows.put_back(batch.windows)
            newer_packets, self._packets = self._packets, batch.packets
            for packet in newer_packets:
                self._add_packet(packet)
            self._notes = [*batch.gaps, *batch.events, *self._notes][-_MOST_NOTES:]
            newer, self._changes = self._changes, {change.key: change for change in batch.changes}
            for change in newer.values():
                self._add_change(change)
            self._starts[:0] = batch.starts
            for netns, (first_ns, last_ns) in batch.visits.items():
                self._visits[netns] = first_ns, self._visits.get(netns, (0, last_ns))[1]
            self._namespaces = batch.namespaces | self._namespaces
            self._poller = _merged_rounds([*batch.rounds, *self._poller])

    def stalled(self, since_ns: int, until_ns: int) -> Gap:
        """Return what a stall of the storage has cost: packets beyond the bound are lost, counts never."""
        lost, self._discarded_packets = self._discarded_packets, 0
        return Gap(since_ns, until_ns, GapCause.STORAGE_STALLED, Effect.DETAIL, lost, "packets",
                   "windows were merged in memory; counts are complete")


def _merged_rounds(rounds: list[Round]) -> list[Round]:
    """Keep the latest 1000: while the disk stalls they tell nothing new."""
    return rounds[-1000:]
