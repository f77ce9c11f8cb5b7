"""The struct decoder against pyroute2's, on made-up alerts and on those of real kernels."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.sources.net_dm import wire
from dropwatchd.sources.net_dm.messages import NetDmMessage
from tests.dropwatchd.sources.net_dm import encode
from tests.dropwatchd.sources.net_dm.recorded import RECORDED, recorded

NAMES = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=39)
PACKETS: dict[str, st.SearchStrategy[Any]] = {
    "ifindex": st.integers(0, 2**31 - 1), "time_ns": st.integers(0, 2**63 - 1), "length": st.integers(0, 2**32 - 1),
    "protocol": st.integers(0, 2**16 - 1), "data": st.binary(max_size=300),
}


def by_pyroute2(message: bytes) -> Any:
    decoded = NetDmMessage(message)
    decoded.decode()
    return decoded


def assert_same_packet(message: bytes) -> None:
    theirs, ours = by_pyroute2(message), wire.packet(message)
    what, port = wire.what(ours.what), theirs.get_attr("NET_DM_ATTR_IN_PORT")
    for value, name in (
        (what.pc, "PC"), (what.symbol, "SYMBOL"), (what.reason, "REASON"), (what.trap, "HW_TRAP_NAME"),
        (what.trap_group, "HW_TRAP_GROUP_NAME"), (what.cookie or None, "FLOW_ACTION_COOKIE"),
        (ours.time_ns, "TIMESTAMP"), (ours.length, "ORIG_LEN"), (ours.protocol or None, "PROTO"),
        (ours.data or None, "PAYLOAD"),
    ):
        assert value == (theirs.get_attr(f"NET_DM_ATTR_{name}") or None if name == "PROTO"
                         else theirs.get_attr(f"NET_DM_ATTR_{name}")), name
    assert what.origin == ("software", "hardware")[theirs.get_attr("NET_DM_ATTR_ORIGIN")]
    assert what.ifindex == port.get_attr("NET_DM_ATTR_PORT_NETDEV_IFINDEX")
    assert what.port == port.get_attr("NET_DM_ATTR_PORT_NETDEV_NAME")


def assert_same_summary(message: bytes) -> None:
    theirs, ours = by_pyroute2(message), wire.summary(message)
    assert ours.points == theirs.get_attr("NET_DM_ATTR_UNSPEC")
    entries = theirs.get_attr("NET_DM_ATTR_HW_ENTRIES")
    assert ours.traps == [
        (entry.get_attr("NET_DM_ATTR_HW_TRAP_NAME"), entry.get_attr("NET_DM_ATTR_HW_TRAP_COUNT"))
        for entry in (entries.get_attrs("NET_DM_ATTR_HW_ENTRY") if entries else [])]


@encode.untimed
@given(st.fixed_dictionaries({
    **PACKETS, "pc": st.integers(1, 2**64 - 1), "reason": st.none() | NAMES, "symbol": NAMES}))
def test_software_alerts_decode_as_pyroute2_decodes_them(fields: dict[str, Any]) -> None:
    """Both decoders agree on every attribute, with and without a reason, a port and bytes of the packet."""
    assert_same_packet(encode.software(**fields))


@encode.untimed
@given(st.fixed_dictionaries({
    **PACKETS, "trap": NAMES, "group": NAMES, "name": NAMES, "cookie": st.binary(max_size=64)}))
def test_hardware_alerts_decode_as_pyroute2_decodes_them(fields: dict[str, Any]) -> None:
    """Both decoders agree on trap, group, port and flow action cookie."""
    assert_same_packet(encode.hardware(**fields))


@encode.untimed
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)), max_size=wire.MAX_POINTS))
def test_summaries_decode_as_pyroute2_decodes_them(points: list[tuple[int, int]]) -> None:
    """Both decoders agree on a summary of any length."""
    assert_same_summary(encode.summary(*points))


@encode.untimed
@given(st.lists(st.tuples(NAMES, st.integers(0, 2**32 - 1)), max_size=wire.MAX_POINTS))
def test_hardware_summaries_decode_as_pyroute2_decodes_them(traps: list[tuple[str, int]]) -> None:
    """Both decoders agree on traps and their counts."""
    assert_same_summary(encode.hardware_summary(*traps))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_alerts_of_real_kernels_decode_as_pyroute2_decodes_them(path: Path) -> None:
    """What 6.1 and 6.12 sent decodes to the same with both."""
    messages = recorded(path)
    assert messages
    for message in messages:
        if wire.command(message)[1] == wire.PACKET_ALERT:
            assert_same_packet(message)
        else:
            assert_same_summary(message)


def test_equal_drops_are_equal_before_they_are_decoded() -> None:
    """`what` does not depend on the packet: only place, reason and port are in it."""
    first = wire.packet(encode.software(time_ns=1, length=2, data=b"a"))
    second = wire.packet(encode.software(time_ns=2, length=3, data=b"bb"))
    other = wire.packet(encode.software(reason="NOMEM"))
    assert first.what == second.what != other.what


@encode.untimed
@given(st.binary(max_size=200))
def test_an_attribute_of_a_later_kernel_is_passed_over(value: bytes) -> None:
    """An unknown attribute anywhere changes nothing of what is known."""
    message = encode.software()
    unknown = (4 + len(value)).to_bytes(2, "little") + (99).to_bytes(2, "little") + value + b"\0" * (-len(value) % 4)
    expected = wire.packet(message)
    for longer in (message + unknown, message[:20] + unknown + message[20:]):
        packet = wire.packet(longer)
        assert packet[1:] == expected[1:]
        assert wire.what(packet.what) == wire.what(expected.what)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@given(st.data())
def test_what_no_kernel_sends_decodes_to_something(path: Path, data: st.DataObject) -> None:
    """However an alert is cut or changed, decoding it raises nothing."""
    message = bytearray(data.draw(st.sampled_from(recorded(path))))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(message) - 1), st.integers(0, 255)), max_size=8)):
        message[at] = byte
    cut = bytes(message[:data.draw(st.integers(wire.HEADERS, len(message)))])
    wire.what(wire.packet(cut).what)
    wire.summary(cut)
