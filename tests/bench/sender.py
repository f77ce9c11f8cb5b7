"""Sends UDP datagrams to a closed loopback port: each one is a drop with reason NO_SOCKET.

Usage: python sender.py COUNT [PORT [RATE]]; prints the seconds that sending took. Without RATE, in datagrams a second,
it is as fast as one process can.
"""

import ctypes
import os
import socket
import struct
import sys
import time

BATCH = 250
PAYLOAD = b"dropwatchd's bench"
_BATCHES_A_SECOND = 100


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr: struct msghdr, then the number of bytes sent."""

    _fields_ = (("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("iov", ctypes.POINTER(_Iovec)),
                ("iov_length", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint32))


def send(count: int, port: int = 9, rate: float = 0) -> float:
    """Send exactly `count` datagrams, `rate` a second or unpaced with 0; return the seconds it took."""
    libc = ctypes.CDLL(None, use_errno=True)
    address = ctypes.create_string_buffer(
        struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8))
    payload = ctypes.create_string_buffer(PAYLOAD, len(PAYLOAD))
    vector = _Iovec(ctypes.addressof(payload), len(PAYLOAD))
    message = _Message(ctypes.addressof(address), 16, ctypes.pointer(vector), 1, None, 0, 0, 0)
    messages = (_Message * BATCH)(*[message] * BATCH)
    batch = min(BATCH, max(round(rate / _BATCHES_A_SECOND), 1)) if rate else BATCH
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        started, left = time.perf_counter(), count
        while left:
            sent = libc.sendmmsg(sock.fileno(), messages, min(left, batch), 0)
            if sent < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            left -= sent
            if rate:
                time.sleep(max(started + (count - left) / rate - time.perf_counter(), 0))
        return time.perf_counter() - started


if __name__ == "__main__":
    print(send(int(sys.argv[1]), *map(int, sys.argv[2:4])))
