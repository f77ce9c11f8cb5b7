"""Bytes as nobody sends them: what was recorded from real kernels, changed at random."""

from collections.abc import Callable, Sequence
from random import Random

_EDGES = (0, 1, 3, 4, 0x7F, 0x80, 0xFE, 0xFF)
_TEXTS = (b"9" * 40, b"-1", b"\xff\xfe\xed\xa0\x80", b"\0", b"\n\n", b"0x", b"1e400", b" ", b"[[", b'"', b"\x1b[2J")


def mutated(data: bytes, chance: Random) -> bytes:
    """Return the data with one to four changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_CHANGES)(changed, chance)
    return bytes(changed)


def _bit(data: bytearray, chance: Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _edge(data: bytearray, chance: Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice(_EDGES)


def _word(data: bytearray, chance: Random) -> None:
    at = chance.randrange(len(data) + 1) & ~3
    data[at:at + 4] = bytes([chance.choice(_EDGES)] * 4)


def _text(data: bytearray, chance: Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at + chance.randrange(4)] = chance.choice(_TEXTS)


def _cut(data: bytearray, chance: Random) -> None:
    del data[chance.randrange(len(data) + 1):]


def _gone(data: bytearray, chance: Random) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at:at + chance.randrange(32)]


def _twice(data: bytearray, chance: Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[at:at + chance.randrange(64)]


_CHANGES: Sequence[Callable[[bytearray, Random], None]] = (_bit, _edge, _word, _text, _cut, _gone, _twice)
