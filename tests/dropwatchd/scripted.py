"""A source that says what a test lets it say: the loop knows no more of any source than this."""

import os
import time

from dropwatchd.model import Record
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

    def close(self) -> list[Record]:
        records, self.at_close = self.at_close, []
        return records

    def dispose(self) -> None:
        for descriptor in self._pipe:
            os.close(descriptor)
