"""Leaving the program in the kernel for the next run, and going on with what the run before has left there."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, Protocol

from dropwatchd.kernel.clock import boot_ns
from dropwatchd.model import NANO, Instant, Written
from dropwatchd.sources.bpf.checkpoint import Checkpoint
from dropwatchd.sources.bpf.hold import NAMES, OPTIONAL, Adopted, Loaded, identity
from dropwatchd.sources.bpf.room import Room

_CHECKPOINT = "checkpoint"
_LONGEST_NS = 3600 * NANO  # readers look for no windows whose drops are further apart


class Store(Protocol):
    """Where descriptors outlive a process: the service manager's."""

    def take(self, prefix: str) -> dict[str, int]: ...
    def keep(self, name: str, fd: int) -> None: ...
    def discard(self, name: str) -> None: ...


class Left(NamedTuple):
    """What a run before us has left: its program, its checkpoint, and what of its counts is in the history.

    All that it has counted beyond came after `since`.
    """

    hold: Adopted
    checkpoint: Checkpoint
    snapshot: bytes
    since: Instant


@dataclass(frozen=True)
class Keeper:
    """`history` says which history is written: counts that are in another one must not be told here again.

    `written` returns what the history has of a program, by the token of its checkpoint; None where that is nothing.
    """

    store: Store
    history: str
    written: Callable[[int], Written | None]

    def adopt(self, room: Room) -> Left | None:
        """Return what the same program has left for the same history; None, and all is closed, if that is not whole."""
        fds = self.store.take(self._prefix(room))
        checkpoint = _checkpoint(fds.pop(_CHECKPOINT, None))
        written = self.written(checkpoint.token) if checkpoint else None
        is_whole = fds.keys() - set(OPTIONAL) == set(NAMES)
        if checkpoint and written and is_whole and boot_ns() - written.until.boot_ns < _LONGEST_NS:
            snapshot = checkpoint.at(written.number)
            if snapshot is not None:
                return Left(Adopted(fds), checkpoint, snapshot, written.until)
        for fd in fds.values():
            os.close(fd)
        if checkpoint:
            checkpoint.close()
        return None

    def keep(self, room: Room, hold: Loaded | Adopted, checkpoint: Checkpoint) -> None:
        """Leave it for the next run, the link last: what is not whole is not adopted."""
        prefix = self._prefix(room)
        held = [(name, hold.fds[name]) for name in (*OPTIONAL, *NAMES) if name in hold.fds]
        for name, fd in [(_CHECKPOINT, checkpoint.fd), *held]:
            self.store.keep(prefix + name, fd)

    def let_go(self, room: Room) -> None:
        """Leave nothing behind."""
        for name in (*OPTIONAL, *NAMES, _CHECKPOINT):
            self.store.discard(self._prefix(room) + name)

    def _prefix(self, room: Room) -> str:
        return f"bpf-{identity(room)}-{blake2b(self.history.encode(), digest_size=4).hexdigest()}-"


def _checkpoint(fd: int | None) -> Checkpoint | None:
    if fd is None:
        return None
    try:
        return Checkpoint(fd)
    except (OSError, ValueError):
        os.close(fd)
        return None
