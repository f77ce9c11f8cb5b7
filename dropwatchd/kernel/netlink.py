"""Netlink for what is read every few seconds: dumps, notifications and their attributes, by struct alone."""

# Why not pyroute2 here: it builds an object for each attribute. The statistics of 101 links cost 24 ms of CPU
# by its get_links() (0.7.7 as 0.9.7), and 11 ms by this reader with the collector on top: less than half. A
# round of all collectors has 50 ms. Requests made once belong to pyroute2.

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from errno import EAGAIN
from typing import NamedTuple, Self

ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16  # NETLINK_* of include/uapi/linux/netlink.h

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type
_ERRNO = struct.Struct("=i")
_ERROR, _DONE = 2, 3
_LAST_CONTROL = 15  # NLMSG_MIN_TYPE less one: up to here messages are netlink's own, without the protocol's header
_REQUEST, _DUMP_INTERRUPTED, _DUMP = 0x1, 0x10, 0x300
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_RECEIVE_BYTES = 65536  # a dump's messages come in pieces of 32 KiB at most (netlink_recvmsg)
_ATTEMPTS = 8
_SO_RCVBUFFORCE = 33


class Message(NamedTuple):
    """One netlink message: its type, and what follows the header."""

    type: int
    payload: bytes


class Netlink:
    """A netlink socket in the network namespace of the calling thread. It hears the kernel, and nobody else.

    `least` is the size of the fixed header that every message has behind the netlink header: none that is returned is
    shorter. `refused` counts the datagrams of other senders, `malformed` the messages that were cut or too short.
    """

    def __init__(self, protocol: int, groups: int = 0, least: int = 0) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.bind((0, groups))
        self._least = least
        self._sequence = 0
        self.refused = self.malformed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def set_buffer(self, octets: int) -> None:
        """Ask for a receive buffer; beyond net.core.rmem_max only where CAP_NET_ADMIN allows it."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
        with suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, octets)

    def dump(self, message_type: int, body: bytes) -> list[Message]:
        """Return every object of a dump, as one consistent picture.

        The kernel says when the list changed while it was read (NLM_F_DUMP_INTR): it is then read again.
        Raises OSError with the kernel's errno, or EAGAIN when the list never held still.
        """
        for _attempt in range(_ATTEMPTS):
            messages = self._dump(message_type, body)
            if messages is not None:
                return messages
        raise OSError(EAGAIN, "the kernel's list changed during each attempt to read it")

    def _dump(self, message_type: int, body: bytes) -> list[Message] | None:
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, message_type, _REQUEST | _DUMP, self._sequence, 0) + body)
        messages: list[Message] = []
        interrupted = False
        while True:
            for kind, flags, sequence, payload in split(self._receive()):
                if sequence != self._sequence:
                    continue
                interrupted |= bool(flags & _DUMP_INTERRUPTED)
                if kind in {_ERROR, _DONE}:
                    check(payload)
                    return None if interrupted else messages
                messages += self._whole(kind, payload)

    def notifications(self) -> list[Message] | None:
        """Return the messages of one datagram, None when none is waiting. Never blocks.

        Raises OSError ENOBUFS when the kernel had to leave messages out.
        """
        try:
            data = self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        return [message for kind, _flags, _sequence, payload in split(data) for message in self._whole(kind, payload)]

    def _receive(self, flags: int = 0) -> bytes:
        """Return a datagram; an empty one stands for what somebody else has sent: only the kernel has port 0."""
        data, (port, _groups) = self._socket.recvfrom(_RECEIVE_BYTES, flags)
        if port:
            self.refused += 1
        return b"" if port else data

    def _whole(self, kind: int, payload: bytes) -> list[Message]:
        if kind > _LAST_CONTROL and len(payload) < self._least:
            self.malformed += 1
            return []
        return [Message(kind, payload)]


def split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (type, flags, sequence, payload) of the messages in one datagram, each aligned to 4 bytes, none cut."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, flags, sequence, data[offset + _HEADER.size:offset + length]
        offset += (length + 3) & ~3


def check(payload: bytes) -> None:
    """Raise the negative errno that NLMSG_ERROR or NLMSG_DONE carries; 0, or nothing, is success."""
    error = -_ERRNO.unpack_from(payload)[0] if len(payload) >= _ERRNO.size else 0
    if error > 0:
        raise OSError(error, os.strerror(error))


def attributes(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (type, payload) of the attributes from `offset` on, none cut; a payload may hold attributes itself."""
    end = len(data)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > end:
            return
        yield kind & _TYPE_MASK, data[offset + 4:offset + length]
        offset += (length + 3) & ~3


def packed(kind: int, value: bytes) -> bytes:
    """Return an attribute, with the padding behind it."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def text(payload: bytes) -> str:
    """Decode a C string. An interface name may hold any byte but "/", ":" and space: not all is UTF-8."""
    return payload.partition(b"\0")[0].decode(errors="backslashreplace")
