"""The text tables of /proc/net that several collectors read."""

import os
from collections.abc import Iterator
from pathlib import Path

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host

_READ_BYTES = 65536


def read(host: Host, name: str, most: int | None = None) -> str:
    """Return the file /proc/net/NAME of the calling thread's network namespace, or raise AbsentError.

    /proc/net itself is /proc/self/net, which shows the namespace of the process's first thread: a thread that
    entered another one must ask for its own (fs/proc/proc_net.c).
    """
    return read_file(host.proc / "thread-self" / "net" / name, most)


def read_file(path: Path | str, most: int | None = None) -> str:
    """Return a file of /proc, or of a long one at least so many bytes from its beginning; or raise AbsentError."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise AbsentError(f"there is no {path}") from error
    try:
        data = bytearray()
        while (most is None or len(data) < most) and (part := os.read(descriptor, _READ_BYTES)):
            data += part
        return data.decode()
    finally:
        os.close(descriptor)


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of tables that have a line of names and a line of values per protocol.

    Names are those of nstat: the protocol before the column, "UdpRcvbufErrors" (net/ipv4/proc.c).
    """
    lines = text.splitlines()
    for header, row in zip(lines[::2], lines[1::2], strict=True):
        protocol, _, columns = header.partition(":")
        for column, value in zip(columns.split(), row.split()[1:], strict=True):
            yield protocol + column, value


def columns(text: str) -> Iterator[dict[str, int]]:
    """Yield name -> value of each line below a line of names; values are hexadecimal, a line is a CPU's."""
    lines = text.splitlines()
    names = lines[0].split()
    for line in lines[1:]:
        yield dict(zip(names, (int(value, 16) for value in line.split()), strict=True))


def lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield (name, value) of a file that has one of each in a line."""
    words = text.split()
    return zip(words[::2], map(int, words[1::2]), strict=True)
