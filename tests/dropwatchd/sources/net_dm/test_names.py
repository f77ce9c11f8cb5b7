"""Addresses and the kernel's own text for them become the location that drops are counted by."""

from pathlib import Path

import pytest

from dropwatchd.kernel.kallsyms import Kallsyms
from dropwatchd.model import Location
from dropwatchd.sources.net_dm import wire
from dropwatchd.sources.net_dm.names import Names
from tests.dropwatchd.sources.net_dm import encode

PC = 0xFFFFFFFFC0001234
LONG = "nf_conntrack_a_function_with_a_long_name"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "kallsyms").write_text(f"ffffffffc0001230 t {LONG}\t[nf_conntrack]\n")
    return tmp_path


@pytest.mark.parametrize(("symbol", "location"), [
    ("udp_rcv+0x10/0x20", Location("udp_rcv", 0x10)),
    ("br_forward+0x10/0x20 [bridge]", Location("br_forward", 0x10, "bridge")),
    ("0xffffffffc0001234", Location(None, address=PC)),
    (f"{LONG}+0x4/0x20 [nf_conntrack]"[:39], Location(LONG, 4, "nf_conntrack")),
])
def test_the_kernels_text_is_taken_where_it_is_whole(proc: Path, symbol: str, location: Location) -> None:
    """Text that was cut at 40 bytes is looked up in kallsyms."""
    names = Names(Kallsyms(proc))
    raw = wire.packet(encode.software(pc=PC, symbol=symbol)).what
    names.learn([raw])
    assert names.key(raw, 0x0800).location == location


@pytest.mark.parametrize(("symbol", "location"), [
    ("nf_nat_manip_pkt_long+0x4a/0x20 [nf_nat_", Location("nf_nat_manip_pkt_long", 0x4A)),
    ("a_function_with_a_very_long_name_+0x4a/0", Location("a_function_with_a_very_long_name_", 0x4A)),
    ("a_function_with_a_very_long_name_in_+0x4", Location(None, address=PC)),
    ("a_function_with_a_very_long_name_in_all_", Location(None, address=PC)),
])
def test_cut_text_is_used_as_far_as_it_is_certain(tmp_path: Path, symbol: str, location: Location) -> None:
    """Where kallsyms shows nothing: an offset is whole when the size follows it; a cut name is none."""
    names = Names(Kallsyms(tmp_path))
    raw = wire.packet(encode.software(pc=PC, symbol=symbol[:39])).what
    names.learn([raw])
    assert names.key(raw, 0x0800).location == location
