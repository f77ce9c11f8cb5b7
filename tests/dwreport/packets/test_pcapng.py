"""Blocks of pcapng, read back by a reader of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwreport.packets import pcapng
from tests.dwreport.blocks import blocks, packets

HEAD = pcapng.section("dwreport 1", "Linux 6.18", "web-3") + pcapng.interface(pcapng.ETHERNET, "eth0", "web-3")


def test_a_file_begins_with_who_wrote_it() -> None:
    section, interface = blocks(HEAD)
    assert (section.text(4), section.text(3), section.comment) == ("dwreport 1", "Linux 6.18", "web-3")
    assert (interface.number(0, 2), interface.number(4), interface.text(2), interface.text(3)) == (
        1, 262_144, "eth0", "web-3")


def test_what_is_not_known_is_left_out() -> None:
    """An empty option would be a system without a name."""
    [section] = blocks(pcapng.section("dwreport 1", "", ""))
    assert section.options == {4: b"dwreport 1"}


@pytest.mark.parametrize("size", range(6))
def test_bytes_are_filled_up_to_32_bits(size: int) -> None:
    [one, other] = packets(HEAD + 2 * pcapng.packet(0, 7, b"\xff" * size, 1500, "x" * size))
    assert one == other
    assert (one.block.data, one.block.comment) == (b"\xff" * size, "x" * size)
    assert (one.block.number(12), one.block.number(16)) == (size, 1500)


@pytest.mark.parametrize(("time_ns", "told"), [
    (1_763_805_601_123_456_789, 1_763_805_601_123_456_789), (2**32, 2**32), (2**63 - 1, 2**63 - 1),
    (2**64 - 1, 2**64 - 1), (2**64, 2**64 - 1), (0, 0), (-1, 0), (-2**63, 0)])
def test_a_time_is_told_to_the_nanosecond(time_ns: int, told: int) -> None:
    """Time begins with 1970 there, and ends."""
    [packet] = packets(HEAD + pcapng.packet(0, time_ns, b"x", 1, ""))
    assert packet.block.time_ns == told


@pytest.mark.parametrize(("length", "told"), [(-2**63, 3), (0, 3), (3, 3), (9000, 9000), (2**63 - 1, 2**32 - 1)])
def test_a_packet_was_as_long_as_what_is_kept_of_it_at_least(length: int, told: int) -> None:
    [packet] = packets(HEAD + pcapng.packet(0, 7, b"abc", length, ""))
    assert packet.block.number(16) == told


def test_a_packet_is_as_long_as_readers_take() -> None:
    """Wireshark refuses a file with a longer one."""
    [packet] = packets(HEAD + pcapng.packet(0, 7, bytes(300_000), 300_000, ""))
    assert (len(packet.block.data), packet.block.number(16)) == (262_144, 300_000)


@pytest.mark.parametrize("text", ["x" * 70_000, "é" * 40_000, "x" + "é" * 40_000, "xx" + "\U0001f4a9" * 20_000])
def test_a_text_is_cut_between_two_characters(text: str) -> None:
    """An option has 16 bits for its length."""
    [packet] = packets(HEAD + pcapng.packet(0, 7, b"", 0, text))
    assert text.startswith(packet.block.comment)
    assert 65_535 - 4 < len(packet.block.options[1]) <= 65_535


@given(st.integers(-2**63, 2**63 - 1), st.binary(max_size=50), st.integers(-2**63, 2**63 - 1), st.text())
def test_whatever_a_history_holds_is_a_block(time_ns: int, data: bytes, length: int, text: str) -> None:
    [packet] = packets(HEAD + pcapng.packet(0, time_ns, data, length, text))
    assert (packet.block.data, packet.block.comment) == (data, text)


def test_half_a_character_is_written_as_an_escape() -> None:
    """A lone surrogate has no UTF-8."""
    [packet] = packets(HEAD + pcapng.packet(0, 7, b"", 0, "a\udcffb"))
    assert packet.block.comment == "a\\udcffb"
