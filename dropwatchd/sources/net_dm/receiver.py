"""The socket that alerts arrive at: nothing is lost on it uncounted, and nothing has to be repaired after a loss."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from struct import Struct

from dropwatchd.sources.net_dm.wire import HEADERS, MAX_ALERT_BYTES

# include/uapi/linux/netlink.h and asm-generic/socket.h: what Python's socket module does not name
NETLINK_GENERIC = 16
_SOL_NETLINK, _ADD_MEMBERSHIP, _DROP_MEMBERSHIP, _NO_ENOBUFS = 270, 1, 2, 5
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55
PID_BITS = 22  # of a port: the kernel and libnl build that of a process's sockets from its number, which is no larger
_LAST_NUMBER = 511  # of a process's sockets: the first ones are its other sockets'
_MEMINFO = Struct("=32xI")  # SK_MEMINFO_DROPS is the ninth of SK_MEMINFO_VARS numbers


class Receiver:
    """Joins the group at once; alerts queue up in the kernel, `buffer_bytes` of them at most (of its own memory).

    `sender` is whose messages count: port 0, which only the kernel has. `refused` counts those of others, which take
    CAP_NET_ADMIN to send, and those too short to be alerts.
    """

    def __init__(self, group: int, buffer_bytes: int, sender: int = 0) -> None:
        """Raise PermissionError: since 6.7, and in older kernels that were patched, listening takes CAP_SYS_ADMIN.

        With NETLINK_NO_ENOBUFS an overrun neither fails the next read nor stops delivery until all is read
        (netlink_overrun in net/netlink/af_netlink.c), yet each lost message is counted.
        """
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, NETLINK_GENERIC)
        try:
            self._bind()
            self._socket.setsockopt(_SOL_NETLINK, _NO_ENOBUFS, 1)
            self._grow(buffer_bytes)
            self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[0]
        self._group = group
        self._sender = sender
        self.refused = 0
        self._buffer = bytearray(MAX_ALERT_BYTES)
        self._view = memoryview(self._buffer)
        self._lost = 0

    def _bind(self) -> None:
        """Take a port that has our process's number in it, as libnl does: other listeners then see whose it is."""
        for number in range(_LAST_NUMBER, 0, -1):
            with suppress(OSError):
                self._socket.bind((number << PID_BITS | os.getpid(), 0))
                return
        self._socket.bind((0, 0))

    def _grow(self, buffer_bytes: int) -> None:
        """Beyond net.core.rmem_max where CAP_NET_ADMIN allows it. The kernel doubles the figure, for its overhead."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes // 2)
        with suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes // 2)

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, limit: int) -> Iterator[bytes]:
        """Yield up to `limit` messages that have come: the kernel sends each alert in a datagram of its own."""
        receive, buffer, view, sender = self._socket.recvfrom_into, self._buffer, self._view, self._sender
        try:
            for _ in range(limit):
                size, (port, _groups) = receive(buffer)
                if port == sender and size >= HEADERS:
                    yield bytes(view[:size])
                else:
                    self.refused += 1
        except BlockingIOError:
            return

    def lost(self) -> int:
        """Return how many messages found the socket full since the last call."""
        total: int = _MEMINFO.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[0]
        lost, self._lost = (total - self._lost) & 0xFFFFFFFF, total
        return lost

    def leave(self) -> None:
        """Hear no more; what has come can still be received."""
        self._socket.setsockopt(_SOL_NETLINK, _DROP_MEMBERSHIP, self._group)

    def close(self) -> None:
        self._socket.close()
