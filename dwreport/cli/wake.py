"""Waits until a history is written, or until nobody reads what is printed: inotify(7) and poll(2)."""

import ctypes
import os
import select
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

# linux/inotify.h: an entry of the folder was written to, came, or went.
_EVENTS = 0x2 | 0x100 | 0x200 | 0x40 | 0x80
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_READ_BYTES = 65536
_HEADER_BYTES = 16
_TOGETHER_S = 0.2   # a transaction is several writes
_UNWATCHED_S = 1.0  # between two looks where the kernel grants no inotify
_LEAST_S = 1.0     # between two updates
_SHARE = 20        # of the time that an update takes: no more than a twentieth of a CPU, whatever there is to read


def pause_s(cost_s: float) -> float:
    """Return how long after an update began the next one may, by the time of a CPU that it took."""
    return max(_LEAST_S, _SHARE * cost_s)


class Wake:
    """Wakes on a write to a history: to its file, or to the files beside it.

    `written` says whether the last wait saw one, or cannot know.
    """

    def __init__(self, database: Path, readable: Iterable[int] = (), output: int | None = None) -> None:
        self._name = os.fsencode(database.name)
        self._folder = database.absolute().parent
        self._poll = select.poll()
        for descriptor in readable:
            self._poll.register(descriptor, select.POLLIN)
        self._output = output
        if output is not None:
            self._poll.register(output, 0)  # a pipe without a reader is an error: poll(2), POLLERR
        self._inotify = self._watch()
        self.written = True

    def _watch(self) -> int | None:
        """Return a descriptor to wait for, None where there is none to be had. Python has no call for it."""
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor: int = libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if descriptor < 0:
            return None
        if libc.inotify_add_watch(descriptor, os.fsencode(self._folder), _EVENTS) < 0:
            os.close(descriptor)
            return None
        self._poll.register(descriptor, select.POLLIN)
        return descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._inotify is not None:
            os.close(self._inotify)

    def wait(self, seconds: float) -> set[int]:
        """Wait for a write, for so long at most; return what can be read. Raise BrokenPipeError when nobody reads.

        Writes that come together wake once.
        """
        deadline = time.monotonic() + seconds
        self.written = self._inotify is None
        while (left := deadline - time.monotonic()) > 0:
            if self._inotify is None:
                left = min(left, _UNWATCHED_S)
            ready = {descriptor for descriptor, _event in self._poll.poll(left * 1000)}
            if self._output in ready:
                raise BrokenPipeError
            if self._inotify in ready and self._is_written():
                time.sleep(_TOGETHER_S)
                self._is_written()
                self.written = True
                return ready - {self._inotify}
            if others := ready - {self._inotify}:
                return {descriptor for descriptor in others if descriptor is not None}
            if self._inotify is None:
                return set()
        return set()

    def rest(self, until_s: float) -> None:
        """Wait until a time of the monotonic clock, whatever is written; raise BrokenPipeError when nobody reads."""
        while (left := until_s - time.monotonic()) > 0:
            gone = select.poll()
            if self._output is not None:
                gone.register(self._output, 0)
            if gone.poll(left * 1000):
                raise BrokenPipeError

    def _is_written(self) -> bool:
        """Take what inotify tells; say whether any of it is of the history: struct inotify_event."""
        assert self._inotify is not None  # noqa: S101 - who asks has seen that it is readable
        found = False
        while True:
            try:
                told = os.read(self._inotify, _READ_BYTES)
            except BlockingIOError:
                return found
            place = 0
            while place < len(told):
                length = int.from_bytes(told[place + 12:place + 16], sys.byteorder)
                name = told[place + _HEADER_BYTES:place + _HEADER_BYTES + length].rstrip(b"\0")
                found = found or not name or name in {self._name, self._name + b"-wal"}
                place += _HEADER_BYTES + length
