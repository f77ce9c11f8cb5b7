"""Lists that change while they are read, and answers that belong to an older question: recorded as the kernel sends."""

import struct
from collections.abc import Iterator

import pytest

from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, split

_DONE, _LINK = 3, 16
_INTERRUPTED = 0x10


def _message(kind: int, payload: bytes, sequence: int, flags: int = 2) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload + bytes(-len(payload) % 4)


def _list(sequence: int, *payloads: bytes, flags: int = 2) -> list[bytes]:
    """Return a dump as the kernel sends it: objects in one datagram, its end in another."""
    return [b"".join(_message(_LINK, payload, sequence, flags) for payload in payloads),
            _message(_DONE, bytes(4), sequence, flags)]


class Recorded:
    """A socket that the kernel has answered already."""

    def __init__(self, datagrams: list[bytes]) -> None:
        self._datagrams = iter(datagrams)
        self.asked = 0

    def send(self, _data: bytes) -> None:
        self.asked += 1

    def recvfrom(self, _size: int, _flags: int) -> tuple[bytes, tuple[int, int]]:
        return next(self._datagrams), (0, 0)

    def close(self) -> None:
        """Nothing was opened."""


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    with Netlink(ROUTE) as opened:
        opened._socket.close()
        yield opened


def _answer(netlink: Netlink, *datagrams: list[bytes]) -> Recorded:
    netlink._socket = recorded = Recorded([one for some in datagrams for one in some])  # type: ignore[assignment]
    return recorded


@pytest.mark.parametrize("where", [0, 1])
def test_a_list_that_changed_is_read_again(netlink: Netlink, where: int) -> None:
    """Wherever the kernel says so; nothing of the torn one is kept."""
    torn = _list(1, b"old1", b"old2")
    torn[where] = _list(1, b"old1", b"old2", flags=2 | _INTERRUPTED)[where]
    recorded = _answer(netlink, torn, _list(2, b"new1"))
    assert netlink.dump(18, bytes(16)) == [Message(_LINK, b"new1")]
    assert recorded.asked == 2


def test_a_list_that_never_holds_still_is_an_error(netlink: Netlink) -> None:
    """After some attempts; a list that is not whole is none."""
    _answer(netlink, *(_list(number, b"old1", flags=2 | _INTERRUPTED) for number in range(1, 9)))
    with pytest.raises(OSError, match="changed during each attempt"):
        netlink.dump(18, bytes(16))


def test_an_answer_to_an_older_question_is_none(netlink: Netlink) -> None:
    """Whoever gave up on a list finds the rest of it before the next one."""
    _answer(netlink, _list(7, b"late"), _list(1, b"mine"))
    assert netlink.dump(18, bytes(16)) == [Message(_LINK, b"mine")]


@pytest.mark.parametrize("length", range(9))
def test_messages_of_a_datagram_are_aligned(length: int) -> None:
    """Each begins at a multiple of four bytes, whatever the length of the one before."""
    data = _message(_LINK, bytes(length), 1) + _message(_DONE, b"last", 2)
    assert [(kind, sequence, payload) for kind, _flags, sequence, payload in split(data)] == [
        (_LINK, 1, bytes(length)), (_DONE, 2, b"last")]
