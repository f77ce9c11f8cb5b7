"""Names of ethertypes."""

import pytest

from dwreport.packets.ethertypes import protocol_name, protocol_number


def test_known_protocols_have_names_and_others_numbers() -> None:
    """Unknown stays unknown."""
    assert [protocol_name(number) for number in (0x0800, 0x86DD, 0x88CC, 0x8899, 0x88E1, 0x88B5, None)] == [
        "ipv4", "ipv6", "lldp", "realtek", "homeplug", "0x88b5", None]


@pytest.mark.parametrize(("text", "number"), [
    ("ipv4", 0x0800), ("IP", 0x0800), ("IPv6", 0x86DD), ("arp", 0x0806), ("0x88B5", 0x88B5), ("2048", 0x0800), ("0", 0),
])
def test_a_protocol_is_a_name_or_a_number(text: str, number: int) -> None:
    """In any case of letters."""
    assert protocol_number(text) == number


@pytest.mark.parametrize("text", ["", "tcp", "0x10000", "-1", "1e3", "9" * 5000])
def test_anything_else_is_refused(text: str) -> None:
    """The message lists the names."""
    with pytest.raises(ValueError, match=r"is not a protocol; write a name \(.*ipv4.*\) or an ethertype"):
        protocol_number(text)
