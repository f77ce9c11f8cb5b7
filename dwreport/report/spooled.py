"""Sampled packets, held in a temporary file: a month may have millions."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from struct import Struct
from tempfile import SpooledTemporaryFile, gettempdir
from typing import Generic, TypeVar, overload

import click

from dropwatchd.history.read.reader import PacketRow
from dropwatchd.model import DropKey
from dwreport.report.picked import Picked

Row = TypeVar("Row")
_Alike = tuple[str, DropKey, str | None]  # of which host, what key, dropped by which queueing discipline

_HEAD = Struct("=qqq?II")  # time, length, weight, link header, which key, bytes of data
_IN_MEMORY = 8 << 20       # bytes that need no file


class SpooledPackets(Sequence[Row], Generic[Row]):
    """Rows of packets, made when they are asked for: memory has their places in the file, and one key for all alike."""

    def __init__(self, packets: Iterable[PacketRow], made: Callable[[PacketRow], Row]) -> None:
        """Take packets, and what makes rows of them; raise click.ClickException where there is no room for them."""
        self._made, self._at = made, array("Q")
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lasts as long as this
        try:
            self._keys = self._hold(packets)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # once more, for what it had not written
                self._file.close()
            raise click.ClickException(f"cannot hold the packets in {gettempdir()}: {error.strerror}; "
                                       "set TMPDIR to a folder with room") from error

    def _hold(self, packets: Iterable[PacketRow]) -> list[_Alike]:
        known: dict[_Alike, int] = {}
        end = 0
        for packet in packets:
            which = known.setdefault((packet.host, packet.key, packet.queue), len(known))
            head = _HEAD.pack(packet.time_ns, packet.length, packet.weight, packet.link_header, which, len(packet.data))
            self._at.append(end)
            end += self._file.write(head) + self._file.write(packet.data)
        return list(known)

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return Picked(self, range(len(self))[index])
        self._file.seek(self._at[index])
        time_ns, length, weight, link_header, which, size = _HEAD.unpack(self._file.read(_HEAD.size))
        host, key, queue = self._keys[which]
        return self._made(PacketRow(host, key, time_ns, length, weight, link_header, self._file.read(size), queue))
