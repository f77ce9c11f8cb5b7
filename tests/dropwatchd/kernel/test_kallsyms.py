"""Code addresses named from a recorded /proc/kallsyms, and from this machine's."""

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from dropwatchd.kernel.kallsyms import Kallsyms
from dropwatchd.model import Location

SYMBOLS = """\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000000 T startup_64
ffffffff81001000 T udp_rcv
ffffffff81002000 t helper.isra.0
ffffffff81ff0000 D some_data
ffffffffc0002000 t br_forward\t[bridge]
ffffffffc0001000 t nf_hook\t[nf_tables]
"""
MODULES = "bridge 4096 0 - Live 0xffffffffc0002000\nnf_tables 4096 0 - Live 0xffffffffc0001000\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "kallsyms").write_text(SYMBOLS)
    (tmp_path / "modules").write_text(MODULES)
    return tmp_path


def test_addresses_that_are_not_shown(proc: Path) -> None:
    """A list that hides its addresses, or cannot be read, is told; one that is shown again is as well."""
    kallsyms, address = Kallsyms(proc), 0xFFFFFFFF81001004
    shown = (proc / "kallsyms").read_text()
    hidden = "".join(f"{'0' * 16}{line[16:]}\n" for line in shown.splitlines())
    for text, trouble in ((hidden, "hides its addresses"), (shown, "")):
        (proc / "kallsyms").write_text(text)
        found = kallsyms.names({address})
        assert trouble in kallsyms.trouble
        assert bool(kallsyms.trouble) == (found[address].symbol is None)
        address += 4
    (proc / "kallsyms").unlink()
    assert kallsyms.names({address}) == {address: Location(None, address=address)}
    assert "cannot be read" in kallsyms.trouble


@pytest.mark.parametrize(("address", "location"), [
    (0xFFFFFFFF81001000, Location("udp_rcv", 0)),
    (0xFFFFFFFF81001FFF, Location("udp_rcv", 0xFFF)),
    (0xFFFFFFFF81002010, Location("helper.isra.0", 0x10)),
    (0xFFFFFFFF81000004, Location("_text", 4)),
    (0xFFFFFFFFC0002004, Location("br_forward", 4, "bridge")),
    (0xFFFFFFFFC0001FFF, Location("nf_hook", 0xFFF, "nf_tables")),
    (0xFFFFFFFF81012345, Location(None, address=0xFFFFFFFF81012345)),
    (0xFFFFFFFF80FFFFFF, Location(None, address=0xFFFFFFFF80FFFFFF)),
    (0x10, Location("fixed_percpu_data", 0x10)),
])
def test_an_address_belongs_to_the_nearest_symbol_before_it(proc: Path, address: int, location: Location) -> None:
    """The first of several at one place counts; beyond 64 KiB no function reaches."""
    assert Kallsyms(proc).names([address]) == {address: location}


def test_what_a_module_had_for_its_start_names_nothing_of_another(proc: Path) -> None:
    """The bridge's br_init is freed and still listed, where nf_tables is now; and where a program of BPF is."""
    with (proc / "kallsyms").open("a") as list_:
        list_.write("ffffffffc0001800 T br_init\t[bridge]\nffffffffc0004800 T br_exit\t[bridge]\n"
                    "ffffffffc0004400 t bpf_prog_4a\t[bpf]\n")
    assert Kallsyms(proc).names([0xFFFFFFFFC0001804, 0xFFFFFFFFC0004804, 0xFFFFFFFFC0002004]) == {
        0xFFFFFFFFC0001804: Location("nf_hook", 0x804, "nf_tables"),
        0xFFFFFFFFC0004804: Location("bpf_prog_4a", 0x404, "bpf"),
        0xFFFFFFFFC0002004: Location("br_forward", 4, "bridge")}


def test_symbols_are_read_once_for_all_that_is_new(proc: Path) -> None:
    """What is known is not looked for again."""
    kallsyms, addresses = Kallsyms(proc), [0xFFFFFFFF81001004, 0xFFFFFFFFC0001004]
    first = kallsyms.names(addresses)
    (proc / "kallsyms").unlink()
    assert kallsyms.names(addresses) == first


class _Disturbed(Kallsyms):
    """Modules change while the symbols are read, `times` times; only then has the list all lines."""

    def __init__(self, proc: Path, times: int) -> None:
        super().__init__(proc)
        self.proc, self.times = proc, times

    def _search(self, addresses: Collection[int]) -> dict[int, Location]:
        found = super()._search(addresses)
        if self.times:
            self.times -= 1
            (self.proc / "modules").write_text(f"{MODULES}other{self.times} 4096 0 - Live 0xffffffffc0003000\n")
            if not self.times:
                (self.proc / "kallsyms").write_text(SYMBOLS)
        return found


@pytest.mark.parametrize(("times", "symbol"), [(1, "nf_hook"), (2, "nf_hook"), (9, None)])
def test_what_was_read_while_modules_changed_is_read_anew(proc: Path, times: int, symbol: str | None) -> None:
    """Lines are missing from such a list; where it never rests the address stands for itself."""
    (proc / "kallsyms").write_text("ffffffffc0000ff0 t wrong\t[bridge]\n")
    found = _Disturbed(proc, times).names([0xFFFFFFFFC0001004])
    assert found[0xFFFFFFFFC0001004].symbol == symbol


def test_a_module_that_has_come_to_life_is_looked_at_anew(proc: Path) -> None:
    """While it was loaded its functions may not have been listed."""
    kallsyms, address = Kallsyms(proc), 0xFFFFFFFFC0001004
    (proc / "modules").write_text(MODULES.replace("Live", "Loading"))
    (proc / "kallsyms").write_text("ffffffff81000000 T _text\n")
    assert kallsyms.names([address])[address].symbol is None
    (proc / "modules").write_text(MODULES)
    (proc / "kallsyms").write_text(SYMBOLS)
    assert kallsyms.names([address])[address].symbol == "nf_hook"


def test_a_modules_names_are_forgotten_when_modules_change(proc: Path) -> None:
    """Another module may be at the same address; the kernel itself stays where it is."""
    kallsyms, addresses = Kallsyms(proc), [0xFFFFFFFF81001004, 0xFFFFFFFFC0001004]
    kallsyms.names(addresses)
    (proc / "modules").write_text("other 4096 0 - Live 0xffffffffc0001000\n")
    (proc / "kallsyms").write_text("ffffffffc0001000 t other_hook\t[other]\n")
    assert kallsyms.names(addresses) == {
        addresses[0]: Location("udp_rcv", 4), addresses[1]: Location("other_hook", 4, "other")}


@pytest.mark.parametrize("content", [None, "0000000000000000 T _text\n0000000000000000 T udp_rcv\n"])
def test_hidden_symbols_leave_the_address(tmp_path: Path, content: str | None) -> None:
    """Without CAP_SYSLOG all addresses read as 0."""
    if content:
        (tmp_path / "kallsyms").write_text(content)
    assert Kallsyms(tmp_path).names([0xFFFFFFFF81001004]) == {
        0xFFFFFFFF81001004: Location(None, address=0xFFFFFFFF81001004)}


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees addresses")
def test_this_kernels_functions_are_found() -> None:
    """Every function of a sample is named by its own start, and one byte further by the offset."""
    with Path("/proc/kallsyms").open() as lines:
        rows = [line.split() for line in lines if "\t[bpf]" not in line]  # such come and go
    by_address = {int(row[0], 16): row[2] for row in reversed(rows)}
    sample = [address for address in by_address if address >> 40][::5000]
    found = Kallsyms().names(sample)
    assert {address: location.symbol for address, location in found.items()} == {
        address: by_address[address] for address in sample}
    assert {location.offset for location in found.values()} == {0}
