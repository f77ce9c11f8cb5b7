"""The links of all namespaces that are watched, behind one descriptor."""

import logging
import os
import select
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from threading import Lock

from dropwatchd.kernel.links import LinkWatch
from dropwatchd.model import Device, Event

log = logging.getLogger(__name__)


class Links:
    """Threads may add a namespace; one reads."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._added = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # that there is more to tell wakes who reads
        self._epoll.register(self._added, select.EPOLLIN)
        self._watches: dict[int, LinkWatch] = {}
        self._new: list[Device] = []
        self._lock = Lock()

    def fileno(self) -> int:
        return self._epoll.fileno()

    def __contains__(self, netns: int) -> bool:
        return netns in self._watches

    def add(self, watch: LinkWatch) -> None:
        """Watch the links of one more namespace; it was entered to make the watch."""
        with self._lock:
            self._watches[watch.netns] = watch
            self._new += watch.devices()
            self._epoll.register(watch, select.EPOLLIN)
        os.eventfd_write(self._added, 1)

    def keep(self, numbers: Collection[int]) -> None:
        """Let go of all others: one that ended while it was entered has had its end told before it was watched."""
        for netns in self._watches.keys() - set(numbers):
            self.forget(netns)

    def forget(self, netns: int) -> None:
        """Let go of a namespace: without a name it must be able to end."""
        with self._lock:
            if watch := self._watches.pop(netns, None):
                self._epoll.unregister(watch)
                watch.close()

    def read(self) -> Iterator[Event | Device]:
        """Yield what has happened, and what devices are. A watch that cannot be read is given up, and said so.

        One whose links could not be listed tries again, though nothing happens there: who reads comes by now and then.
        """
        with suppress(BlockingIOError):
            os.eventfd_read(self._added)
        with self._lock:
            new, self._new = self._new, []
            is_told = bool(self._epoll.poll(0))
            watches = [watch for watch in self._watches.values() if is_told or watch.stale]
        yield from new
        for watch in watches:
            try:
                yield from watch.read()
            except OSError as error:
                log.error("links of a namespace cannot be watched any more (%s)", error)
                yield Event(time.time_ns(), "link events lost", "", f"no more is heard: {error.strerror}", watch.netns)
                self.forget(watch.netns)

    def close(self) -> None:
        for netns in list(self._watches):
            self.forget(netns)
        self._epoll.close()
        os.close(self._added)
