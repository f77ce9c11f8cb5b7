"""A source that says what a test lets it say, and a loop that reads such sources step by step."""

import os
import time
from collections.abc import Sequence
from errno import EIO

from dropwatchd.daemon import Daemon
from dropwatchd.history.write.batch import Batch
from dropwatchd.kernel import clock
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import Gap, Mark, Record, Resumed, Watch
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.service import Service
from dropwatchd.sources import UnavailableError


class Scripted:
    """Its descriptor is a pipe's, of which nothing is ever read."""

    limits = ("nested drops",)

    def __init__(self, name: str = "bpf", scope: str = "software", *, samples: bool = False) -> None:
        self.name, self.scope, self.samples = name, scope, samples
        self.records: list[Record] = []
        self.at_close: list[Record] = []
        self.complete_ns: int | None = None
        self.due: float | None = None
        self.error: OSError | None = None
        self.missing = ""
        self.resumed: Resumed | None = None
        self.marked: Mark | None = None
        self._pipe = os.pipe()

    def open(self) -> None:
        if self.missing:
            raise UnavailableError(self.missing, "wait")

    def fileno(self) -> int:
        return self._pipe[0]

    def deadline(self) -> float | None:
        return self.due

    def read(self) -> list[Record]:
        if self.error:
            raise self.error
        records, self.records = self.records, []
        return records

    def complete_until(self) -> int:
        return time.time_ns() if self.complete_ns is None else self.complete_ns

    def mark(self) -> Mark | None:
        return self.marked

    def leave(self) -> list[Record]:
        return self.close()

    def close(self) -> list[Record]:
        records, self.at_close = self.at_close, []
        return records

    def dispose(self) -> None:
        for descriptor in self._pipe:
            os.close(descriptor)


class Looped:
    """A daemon whose steps a test takes one by one, and what it has put into the buffer so far."""

    def __init__(self, *sources: Scripted, before: Sequence[Gap] = ()) -> None:
        self.buffer = Buffer()
        self._links, self._names = Links(), NetnsNames({})
        self.daemon = Daemon(list(sources), self._names, self._links, self.buffer, Service(), opened=clock.now(),
                             before=before)
        self._sources = sources
        self.batches: list[Batch] = []
        for source in sources:
            self.daemon._watch(source)

    def close(self) -> None:
        self.daemon._selector.close()
        self._links.close()
        self._names.close()
        for source in self._sources:
            source.dispose()

    def tick(self) -> None:
        self.daemon._tick(time.monotonic())

    def fail(self, source: Scripted) -> None:
        source.error = OSError(EIO, "input/output error")
        self.daemon._read(source)
        source.error = None

    def watches(self, what: str) -> list[Watch]:
        """Return what was watched, each as far as it is known last."""
        self._take()
        return list({watch.since.boot_ns: watch for batch in self.batches for watch in batch.watches
                     if watch.watching.what == what}.values())

    def gaps(self) -> list[Gap]:
        self._take()
        return [gap for batch in self.batches for gap in batch.gaps]

    def dropped(self) -> int:
        self._take()
        return sum(window.drop.count for batch in self.batches for window in batch.windows)

    def _take(self) -> None:
        self.batches.append(self.buffer.take())
