"""Writes entries into systemd's journal, with fields of their own."""

import socket
import struct
from collections.abc import Mapping
from pathlib import Path

import click

SOCKET = Path("/run/systemd/journal/socket")


def entry(fields: Mapping[str, str]) -> bytes:
    """Return an entry as the journal reads it: a value of several lines with its length before it.

    https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
    """
    parts = []
    for name, text in fields.items():
        value = text.encode(errors="backslashreplace")
        head = name.encode()
        parts.append(head + b"\n" + struct.pack("<Q", len(value)) + value if b"\n" in value else head + b"=" + value)
    return b"".join(part + b"\n" for part in parts)


def send(fields: Mapping[str, str]) -> None:
    """Have the journal take an entry; raise click.ClickException where it does not."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as journal:
            journal.sendto(entry(fields), str(SOCKET))
    except OSError as error:
        raise click.ClickException(f"cannot write to the journal, {SOCKET} ({error.strerror}); see whether "
                                   "systemd-journald runs here") from error
