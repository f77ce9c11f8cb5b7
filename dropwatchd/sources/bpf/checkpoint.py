"""What had been counted when something was written: kept in memory that outlives us, in two places that take turns."""

import os
import secrets
from mmap import PAGESIZE
from struct import Struct
from weakref import finalize
from zlib import crc32

_HEAD = Struct("=8sQ")       # what this is, and the token of the program whose counts they are
_SLOT = Struct("=QIIQ")      # number of the write, length, checksum; and where the snapshot begins
_MAGIC = b"dwcount1"  # another one wherever Tally keeps something else in its snapshot
_SLOTS = (_HEAD.size, _HEAD.size + _SLOT.size)


class Checkpoint:
    """Makes each count be written once, whenever we are killed.

    `prepare` notes, under the number of the next write, what will have been written then; the write itself puts that
    number into the history, in the same transaction as the counts. Whichever number the history has afterwards, `at`
    knows what it means: the write before is left alone until the next one is prepared.
    """

    def __init__(self, fd: int) -> None:
        """`fd` is of a memory file: empty, or one that a run before us has left. Raises ValueError if it is neither.

        It is closed with this object, of which the last to know may be one that has yet to write.
        """
        self.fd = fd
        if not os.fstat(fd).st_size:
            os.ftruncate(fd, PAGESIZE)
            os.pwrite(fd, _HEAD.pack(_MAGIC, secrets.randbits(63)), 0)
        magic, self.token = _HEAD.unpack(os.pread(fd, _HEAD.size, 0))
        if magic != _MAGIC:
            raise ValueError("no checkpoint of ours")
        self.close = finalize(self, os.close, fd)

    @classmethod
    def new(cls) -> "Checkpoint":
        return cls(os.memfd_create("dropwatchd-checkpoint", os.MFD_CLOEXEC))

    def prepare(self, number: int, snapshot: bytes) -> None:
        """Note what is counted when write `number` (from 1) is done. Until it is done, this may be called again."""
        slot = number % 2
        other = self._slot(1 - slot)
        start = _room(len(snapshot), other[3] if other else None, other[1] if other else 0)
        self.spoil(number)
        os.pwrite(self.fd, snapshot, start)
        os.pwrite(self.fd, _SLOT.pack(number, len(snapshot), crc32(snapshot), start), _SLOTS[slot])

    def spoil(self, number: int) -> None:
        """Know nothing of write `number`: another history may have had one of that number."""
        os.pwrite(self.fd, bytes(_SLOT.size), _SLOTS[number % 2])

    def at(self, number: int) -> bytes | None:
        """Return the snapshot of a write; None where it is not known, or not any more."""
        found = self._slot(number % 2)
        if not found or found[0] != number:
            return None
        _, length, checksum, start = found
        snapshot = os.pread(self.fd, length, start)
        return snapshot if len(snapshot) == length and crc32(snapshot) == checksum else None

    def _slot(self, slot: int) -> tuple[int, int, int, int] | None:
        found = _SLOT.unpack(os.pread(self.fd, _SLOT.size, _SLOTS[slot]))
        return found if found[0] else None


def _room(length: int, start: int | None, taken: int) -> int:
    """Return where a snapshot fits beside the one that is kept: before it where that is enough, else behind it."""
    if start is None or PAGESIZE + length <= start:
        return PAGESIZE
    return start + taken
