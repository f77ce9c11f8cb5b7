"""Packets that are held in a file are the packets that they were."""

import tempfile
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.history.read.reader import PacketRow
from dropwatchd.model import DropKey, Interface, Kind, Location
from dwreport.report import spooled
from dwreport.report.spooled import SpooledPackets

_NUMBER = st.integers(0, 2**62)
_KEY = st.builds(DropKey, st.builds(Location, st.sampled_from(["f", "g"])), st.builds(Kind, st.just("NO_SOCKET")),
                 st.builds(Interface, st.integers(1, 2), st.just(3), st.just("eth0")))
_PACKETS = st.lists(st.builds(PacketRow, st.sampled_from(["a", "b"]), _KEY, _NUMBER, _NUMBER, _NUMBER, st.booleans(),
                              st.binary(max_size=200)), max_size=20)


@given(_PACKETS, st.sampled_from([1, 500, 1 << 20]))
def test_spooled_packets_are_the_same(packets: list[PacketRow], in_memory: int) -> None:
    """One by one, from the end, in slices of slices; in a file and before there is one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled, "_IN_MEMORY", in_memory)
        held = SpooledPackets(iter(packets), lambda packet: packet)
    assert list(held) == packets
    assert [held[-index] for index in range(1, len(packets) + 1)] == packets[::-1]
    assert (list(held[1:5]), list(held[::-1][1:4]), bool(held)) == (packets[1:5], packets[::-1][1:4], bool(packets))


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the folder in which there is no room, and what to do."""
    monkeypatch.setattr(spooled, "_IN_MEMORY", 1)
    key = DropKey(Location("f"), Kind("NO_SOCKET"), Interface(1, 3, "eth0"))
    packet = PacketRow("a", key, 1, 2, 3, link_header=True, data=b"data")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_options: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(click.ClickException, match="No space left on device; set TMPDIR to a folder with room"):
        SpooledPackets([packet], lambda packet: packet)
