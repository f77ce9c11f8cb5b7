"""Netlink messages by struct."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from errno import EOPNOTSUPP
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dropwatchd.kernel.netlink import ROUTE, Netlink, attributes, check, split, text


def packed(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40))))
def test_attributes_round_trip(values: list[tuple[int, bytes]]) -> None:
    """Attributes of any length, and so any padding, are found behind a header of the message."""
    data = b"head" + b"".join(packed(kind, value) for kind, value in values)
    assert list(attributes(data, 4)) == values


def test_flags_of_a_type_are_no_part_of_it() -> None:
    """NLA_F_NESTED says how to read an attribute, not which it is."""
    assert list(attributes(packed(0x8000 | 18, b"x"))) == [(18, b"x")]


@given(st.binary(max_size=200))
@example(bytes(64))  # lengths of nothing, which lead nowhere
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    """A message that makes no sense is neither an error nor endless."""
    for parse in (split, attributes):
        assert len(list(islice(parse(data), len(data) + 1))) <= len(data)


def test_text_that_is_no_utf8() -> None:
    """A hostile interface name remains readable, and can be stored."""
    assert text(b"eth\xff\x1b0\0junk") == "eth\\xff\x1b0"


def test_errors_of_the_kernel() -> None:
    """A negative errno is raised, zero or nothing is success."""
    check(b"")
    check(struct.pack("=i", 0))
    with pytest.raises(PermissionError):
        check(struct.pack("=i", -1))


def test_refused_dump() -> None:
    """What the kernel refuses is an OSError with its errno, and the socket remains of use."""
    with Netlink(ROUTE) as netlink:
        with pytest.raises(OSError, match="not supported") as caught:
            netlink.dump(1000, bytes(16))
        assert caught.value.errno == EOPNOTSUPP
        assert netlink.dump(18, bytes(16))


def test_dump_in_several_pieces() -> None:
    """A list too long for one datagram is whole: every route of the local table is there once."""
    with Netlink(ROUTE) as netlink:
        links = [payload[4:8] for _kind, payload in netlink.dump(18, bytes(16))]
    assert len(links) == len(set(links)) > 0


@pytest.fixture
def forger() -> Iterator[socket.socket]:
    """A program's own netlink socket: it takes CAP_NET_ADMIN to send to others from it."""
    if os.geteuid():
        pytest.skip("only root may send to another netlink socket")
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)) as opened:
        opened.bind((0, 0))
        yield opened


def forged(payload: bytes, kind: int = 16, sequence: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, 0, sequence, 0) + payload


@pytest.mark.kernel
@pytest.mark.parametrize("payload", [b"", bytes(7), struct.pack("=BxHiII", 0, 1, 77, 0, 0) + packed(3, b"ab\xff")])
def test_forged_notifications_are_refused(payload: bytes, forger: socket.socket) -> None:
    """What a program sends is not the kernel's word: it is counted and gives no message, whole or not."""
    with Netlink(ROUTE, 1) as netlink:
        forger.sendto(forged(payload), (netlink._socket.getsockname()[0], 0))
        forger.sendto(forged(payload), (0, 1))
        assert [netlink.notifications() for _ in range(2)] == [[], []]
        assert netlink.notifications() is None
        assert (netlink.refused, netlink.malformed) == (2, 0)


@pytest.mark.kernel
def test_forged_answers_are_refused(forger: socket.socket) -> None:
    """An answer that was planted before the question is none: neither an object nor the end of the list."""
    with Netlink(ROUTE, least=16) as netlink:
        port = netlink._socket.getsockname()[0]
        forger.sendto(forged(bytes(16) + packed(3, b"ghost\0"), sequence=1), (port, 0))
        forger.sendto(forged(struct.pack("=i", -1), kind=2, sequence=1), (port, 0))
        links = netlink.dump(18, bytes(16))
        assert links
        assert not [payload for _kind, payload in links if b"ghost" in payload]
        assert netlink.refused == 2


@pytest.mark.kernel
def test_a_message_shorter_than_its_header_is_counted() -> None:
    """Who asks for a header of a hundred bytes gets none of the kernel's shorter messages, and hears of them."""
    with Netlink(ROUTE, least=1 << 20) as netlink:
        assert netlink.dump(18, bytes(16)) == []
        assert netlink.malformed > 0


@given(st.binary(min_size=1, max_size=40), st.integers(1, 40))
def test_what_is_cut_is_left_out(value: bytes, missing: int) -> None:
    """An attribute or a message whose end has not come is not there."""
    whole = packed(1, b"one") + struct.pack("=HH", 4 + len(value), 2) + value
    assert list(attributes(whole[:-min(missing, len(value))])) == [(1, b"one")]
    message = forged(value)
    assert list(split(message[:-min(missing, len(value))])) == []
