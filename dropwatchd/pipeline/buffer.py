"""What waits to be written: threads put in, the writer takes out; merged and bounded while the disk stalls."""

from collections.abc import Iterable
from dataclasses import replace
from threading import Condition

from dropwatchd.history.write.batch import Batch, Collected
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Device,
    Drop,
    Effect,
    Event,
    Gap,
    GapCause,
    Mark,
    Namespace,
    PacketSample,
    Record,
    Stack,
    Start,
    Watch,
    Watching,
)
from dropwatchd.pipeline.windows import Windows

_MOST_PACKETS = 20_000
_MOST_EVENTS = 10_000
_MOST_GAPS = 10_000
_WatchKey = tuple[Watching, int]


class Buffer:
    """The only thing that the threads share. Counts and gaps are merged, never discarded; all else has its bound."""

    def __init__(self, window_ns: int = NANO) -> None:
        self._changed = Condition()
        self._windows = Windows(window_ns)
        self._batch = Batch()
        self._changes: dict[CounterKey, CounterChange] = {}
        self._watches: dict[_WatchKey, Watch] = {}
        self._devices: dict[tuple[int, int, str], Device] = {}
        self._discarded_packets = 0
        self._discarded_events: Gap | None = None
        self._urgent = self._closed = False

    def add(self, records: Iterable[Record], watches: Iterable[Watch] = (), mark: Mark | None = None) -> int:
        """Take what a source has read, and up to when it is complete; return how many packets were dropped."""
        dropped = 0
        with self._changed:
            for record in records:
                self._hurry()
                if isinstance(record, Drop):
                    self._windows.add(record)
                    dropped += record.count
                else:
                    self._add_other(record)
            self._add_watches(watches)
            self._batch.mark = mark or self._batch.mark
        return dropped

    def _hurry(self) -> None:
        """Have what there is written soon. Once is enough: each further call would wake the writer for nothing."""
        if not self._urgent:
            self._urgent = True
            self._changed.notify()

    def _add_other(self, record: Record) -> None:
        if isinstance(record, PacketSample):
            self._add_packet(record)
        elif isinstance(record, Stack):
            self._batch.stacks.append(record)  # the source has its bound
        elif isinstance(record, Gap):
            self._add_gap(record)
        elif isinstance(record, Event):
            self._add_event(record)
        elif isinstance(record, Device):
            self._devices[record.netns, record.ifindex, record.name] = record
        elif isinstance(record, Namespace):
            self._batch.namespaces[record.number] = record

    def _add_packet(self, packet: PacketSample) -> None:
        if len(self._batch.packets) < _MOST_PACKETS:
            self._batch.packets.append(packet)
        else:
            self._discarded_packets += 1

    def _add_gap(self, gap: Gap) -> None:
        """Keep each gap; beyond the bound those of one sort become one, as long as all and with what all have lost."""
        self._batch.gaps.append(gap)
        if len(self._batch.gaps) > _MOST_GAPS:
            self._batch.gaps = merged_gaps(self._batch.gaps)

    def _add_event(self, event: Event) -> None:
        if len(self._batch.events) < _MOST_EVENTS:
            self._batch.events.append(event)
            return
        new = Gap(event.time_ns, event.time_ns, GapCause.NOTES_DISCARDED, Effect.DETAIL, 1, "events",
                  "more came than could be held until they were written")
        old = self._discarded_events
        self._discarded_events = merged_gaps([old, new])[0] if old else new

    def _add_watches(self, watches: Iterable[Watch]) -> None:
        for watch in watches:
            self._watches[watch.watching, watch.since.boot_ns] = watch

    def add_round(self, collector: str, how: Collected, changes: Iterable[CounterChange] = (),
                  starts: Iterable[Start] = (), watches: Iterable[Watch] = ()) -> None:
        """Take what a collector has read."""
        with self._changed:
            collected = self._batch.collected
            collected[collector] = collected.get(collector, Collected()).plus(how)
            self._batch.starts.extend(starts)
            for change in changes:
                self._add_change(change)
            self._add_watches(watches)
            self._hurry()

    def _add_change(self, change: CounterChange) -> None:
        held = self._changes.get(change.key)
        if held is not None:
            change = replace(change, since_ns=min(held.since_ns, change.since_ns), delta=held.delta + change.delta)
        self._changes[change.key] = change

    def wait(self, timeout: float) -> bool:
        """Wait until there is something to write, or for `timeout` seconds; return False once closed.

        That something is watched still does not hurry anybody.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._urgent, timeout)
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
            batch, self._batch = self._batch, Batch()
            batch.windows = self._windows.take()
            batch.changes = list(self._changes.values())
            batch.watches = list(self._watches.values())
            batch.devices = list(self._devices.values())
            if self._discarded_events:
                batch.gaps.append(self._discarded_events)
            self._changes, self._watches, self._devices, self._discarded_events = {}, {}, {}, None
            self._urgent = False
        return batch

    def put_back(self, batch: Batch) -> None:
        """Hold a batch again that could not be written: counts are merged, nothing is counted twice."""
        with self._changed:
            self._windows.put_back(batch.windows)
            newer, self._batch = self._batch, Batch(packets=batch.packets, events=batch.events, starts=batch.starts,
                                                    stacks=batch.stacks, collected=batch.collected)
            records: list[Record] = [*batch.gaps, *newer.gaps, *newer.stacks, *newer.packets, *newer.events]
            for record in records:
                self._add_other(record)
            self._batch.starts.extend(newer.starts)
            self._batch.mark = newer.mark or batch.mark
            self._batch.namespaces = batch.namespaces | newer.namespaces
            for name, how in newer.collected.items():
                self._batch.collected[name] = batch.collected.get(name, Collected()).plus(how)
            later, self._changes = self._changes, {change.key: change for change in batch.changes}
            for change in later.values():
                self._add_change(change)
            self._watches = {(watch.watching, watch.since.boot_ns): watch for watch in batch.watches} | self._watches
            self._devices = {(d.netns, d.ifindex, d.name): d for d in batch.devices} | self._devices
            self._urgent = True

    def stalled(self, since_ns: int, until_ns: int) -> Gap:
        """Return what a stall of the storage has cost: packets beyond the bound are lost, counts never."""
        lost, self._discarded_packets = self._discarded_packets, 0
        return Gap(since_ns, until_ns, GapCause.STORAGE_STALLED, Effect.DETAIL, lost, "packets",
                   "windows were merged in memory; counts are complete")


def merged_gaps(gaps: Iterable[Gap]) -> list[Gap]:
    """Return one gap for each sort: from the first's begin to the last's end, with what all have lost."""
    merged: dict[tuple[str, str, str, str, bool], Gap] = {}
    for gap in gaps:
        sort = (gap.cause, gap.effect, gap.scope, gap.detail, gap.lost is None)
        held = merged.get(sort)
        merged[sort] = gap if held is None else replace(
            held, since_ns=min(held.since_ns, gap.since_ns), until_ns=max(held.until_ns, gap.until_ns),
            lost=None if held.lost is None or gap.lost is None else held.lost + gap.lost)
    return list(merged.values())
