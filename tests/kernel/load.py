"""Drops without end, on the loopback device of a namespace, and how many of them there were by when."""

import socket
import threading
import time
from typing import NamedTuple, Self

from tests.gallery.namespace import Namespace, wait_for

_BATCH = 500
_PORT = 9


class Mark(NamedTuple):
    """By this time, this many packets had been dropped."""

    time_ns: int
    dropped: int


class Load:
    """Sends datagrams to a closed port in batches; after each, the kernel's own counter says that all were dropped."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._before = namespace.counter("snmp", "UdpNoPorts")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.marks: list[Mark] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def dropped(self) -> int:
        return self.marks[-1].dropped if self.marks else 0

    def await_more(self, count: int) -> None:
        """Wait until so many more have been dropped."""
        goal = self.dropped + count
        wait_for(lambda: self.dropped >= goal, f"{goal} drops")

    def _run(self) -> None:
        while not self._ending.is_set():
            self._namespace.run(_send_batch)
            sent = _BATCH * (len(self.marks) + 1)
            wait_for(lambda sent=sent: self._count() >= sent, "the batch is dropped")  # type: ignore[misc]
            self.marks.append(Mark(time.time_ns(), sent))

    def _count(self) -> int:
        return self._namespace.counter("snmp", "UdpNoPorts") - self._before


def _send_batch() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(_BATCH):
            sender.sendto(b"load", ("127.0.0.1", _PORT))
