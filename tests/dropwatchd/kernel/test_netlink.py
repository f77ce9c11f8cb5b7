"""Netlink messages by struct."""

import struct
from errno import EOPNOTSUPP

import pytest
from hypothesis import given
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
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    """A message that makes no sense is neither an error nor endless."""
    assert len(list(split(data))) <= len(data)
    assert len(list(attributes(data))) <= len(data)


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
