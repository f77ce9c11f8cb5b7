"""dwreport export --pcapng: what Wireshark gets, what is told beside it, and what goes wrong."""

import json
import os
import pty
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from dwreport.__main__ import run
from dwreport.report.wanted import NOTHING_MORE
from dwreport.views._capture import capture
from tests.dwreport.blocks import Packet, blocks, packets
from tests.dwreport.conftest import HOUR_NS, START_NS, History

CI = os.environ.get("CI") == "true"
BLUE = 4026532290
ETHERNET, RAW_IP, USER0 = 1, 101, 147
IP = bytes.fromhex("4500001c00000000401100 00c0000201c63364029c4013c400080000")
FRAME = bytes.fromhex("020000000002 020000000001 0800") + IP
WORDS = [sys.executable, "-m", "dwreport"]


class Export:
    """Runs `dwreport export` on a history, within the hour that its runs last."""

    def __init__(self, history: History, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "drops.pcapng"
        self._capsys = capsys
        self.words = ["--database", str(history.path), "--since", f"@{START_NS // NANO}",
                      "--until", f"@{(START_NS + HOUR_NS) // NANO}"]

    def __call__(self, *words: str) -> list[Packet]:
        """Return the packets that are written."""
        self.told(*words)
        return packets(self.file.read_bytes())

    def told(self, *words: str, code: int = 0) -> str:
        """Return what is told on standard error."""
        assert run([*self.words, "export", "--pcapng", str(self.file), *words]) == code
        out, err = self._capsys.readouterr()
        assert out == ""
        assert all(line.startswith("dwreport: ") for line in err.splitlines())
        return err


@pytest.fixture
def export(history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], utc: None) -> Export:  # noqa: ARG001
    """Return what exports the history."""
    return Export(history, tmp_path, capsys)


def _place(history: History, run: int, packet: bytes | None, second: int = 1, **values: Any) -> None:
    """Add a drop of its own place, and a sampled packet of it."""
    weight, length, link_header = (values.pop(name, default) for name, default in (
        ("weight", 1), ("length", len(packet or b"")), ("link_header", True)))
    history.drop(run, START_NS + second * NANO, **values)
    if packet is not None:
        history.packet(run, START_NS + second * NANO, packet, weight=weight, length=length, link_header=link_header)
        history.execute(f"""
            UPDATE packets SET (location_id, kind_id, interface_id) = (
                SELECT location_id, kind_id, interface_id FROM drops ORDER BY window_start_ns DESC LIMIT 1)
            WHERE time_ns = {START_NS + second * NANO}""")  # noqa: S608


def test_a_packet_says_when_why_and_for_how_many_it_was_dropped(history: History, export: Export) -> None:
    """As the history has it, to the nanosecond; the file says whose it is and what wrote it."""
    history.drop(history.run(), START_NS + NANO, 16)
    history.packet(1, START_NS + NANO + 123, FRAME, weight=16, length=900)
    assert export.told() == (
        "dwreport: wrote 1 packet, standing for about 16 drops; on record in this window: 16 drops\n")
    [packet] = packets(export.file.read_bytes())
    assert (packet.interface, packet.host, packet.link_type) == ("eth0", "web-3", ETHERNET)
    block = packet.block
    assert (block.time_ns, block.data, block.number(16)) == (START_NS + NANO + 123, FRAME, 900)
    assert block.comment == (
        "stands for 16 packets · reason: SOCKET_RCVBUFF · location: udp_queue_rcv_one_skb+0x1f · protocol: ipv4"
        " · cause: A socket's receive buffer was full (harmful)")
    section = blocks(export.file.read_bytes())[0]
    assert section.text(3) == "Linux 6.18.0"
    assert section.text(4).startswith("dwreport ")
    assert section.comment == "web-3 · 2025-11-22 10:00:00-11:00:00 UTC · bpf · coverage complete"


def test_a_drop_by_hardware_names_its_trap(history: History, export: Export) -> None:
    _place(history, history.run(), FRAME, origin="hardware", reason=None, symbol=None, offset=None,
           trap="blackhole_route", trap_group="l3_drops")
    [packet] = export()
    assert " · trap: blackhole_route (l3_drops) · " in packet.block.comment
    assert "reason" not in packet.block.comment
    assert "location" not in packet.block.comment


@pytest.mark.parametrize(("data", "values", "link_type"), [
    (FRAME, {}, ETHERNET),
    (FRAME[:9], {}, ETHERNET),
    (IP, {"link_header": False}, RAW_IP),
    (b"\x60" + bytes(39), {"link_header": False, "protocol": 0x86DD}, RAW_IP),
    (b"\x60" + bytes(39), {"link_header": False, "protocol": 0x0800}, USER0),
    (b"", {"link_header": False}, USER0),
    (bytes(28), {"link_header": False, "protocol": 0x0806}, USER0),
    (IP, {"link_header": False, "protocol": None}, USER0),
    (bytes(64), {"symbol": "unix_release_sock", "protocol": None, "name": None, "ifindex": None}, USER0),
    (bytes(64), {"protocol": None, "name": None, "ifindex": None}, USER0),
])
def test_bytes_are_called_what_they_begin_with(
    history: History, export: Export, data: bytes, values: dict[str, Any], link_type: int,
) -> None:
    """Ethernet or IP; of what is neither nothing is claimed."""
    _place(history, history.run(), data, **values)
    [packet] = export()
    assert (packet.link_type, packet.block.data) == (link_type, data)


def test_interfaces_of_one_name_in_two_namespaces_are_two(history: History, export: Export) -> None:
    """And one in two link types, and one on two hosts; each is told once."""
    first = history.run()
    places: list[dict[str, Any]] = [{}, {"netns": BLUE, "netns_name": "blue"}, {"link_header": False}, {}]
    for second, values in enumerate(places, 1):
        _place(history, first, IP, second, **values)
    other = history.run(machine_id="m-2", hostname="web-4")
    _place(history, other, IP, 5)
    found = [(packet.host, packet.interface, packet.link_type) for packet in export()]
    assert found == [("web-3", "eth0", ETHERNET), ("web-3", "eth0 (blue)", ETHERNET), ("web-3", "eth0", RAW_IP),
                     ("web-3", "eth0", ETHERNET), ("web-4", "eth0", ETHERNET)]
    assert sum(block.kind == 1 for block in blocks(export.file.read_bytes())) == 4
    assert [packet.host for packet in export("--host", "web-4")] == ["web-4"]


def test_filters_choose_packets_and_the_drops_that_they_are_held_against(history: History, export: Export) -> None:
    """As in every report."""
    first = history.run()
    _place(history, first, FRAME, 1, count=10, weight=10)
    _place(history, first, FRAME, 2, count=5, weight=4, name="eth1", ifindex=3, reason="UDP_CSUM")
    _place(history, first, None, 3, count=7, name="lo", ifindex=1, reason="NO_SOCKET")
    assert export.told() == (
        "dwreport: wrote 2 packets, standing for about 14 drops; on record in this window: 22 drops\n")
    one = "dwreport: wrote 1 packet, standing for about 4 drops; on record in this window: 5 drops\n"
    for words in (["--interface", "eth1"], ["--reason", "UDP_CSUM"], ["--interface", "!eth0", "--interface", "!lo"]):
        assert export.told(*words) == one
        assert [packet.interface for packet in packets(export.file.read_bytes())] == ["eth1"]
    assert len(export("--since", f"@{START_NS // NANO + 2}")) == 1
    assert len(export("--run", "0")) == 2


def test_severities_choose_packets_too(history: History, export: Export) -> None:
    first = history.run()
    _place(history, first, FRAME, 1, count=10, weight=10)
    _place(history, first, FRAME, 2, count=5, weight=5, reason="DUP_FRAG")
    assert export.told("--severity", "harmful") == (
        "dwreport: wrote 1 packet, standing for about 10 drops; on record in this window: 10 drops\n")
    assert len(export("--no-benign")) == 1
    assert export.told("--severity", "suspect") == (
        "dwreport: None of 2 packets is of the severity that is asked for: the file is valid, and empty; on record in "
        "this window: 0 drops\n")


def test_without_packets_the_file_is_valid(history: History, export: Export) -> None:
    """And what is not known is no "none"."""
    first = history.run()
    history.drop(first, START_NS + NANO, 3)
    assert export.told() == (
        "dwreport: No packet was sampled: the file is valid, and empty; on record in this window: 3 drops\n")
    assert len(blocks(export.file.read_bytes())) == 1
    history.gap(first, START_NS, START_NS + HOUR_NS // 2, scope="packets")
    told = export.told().splitlines()
    assert told[0].startswith("dwreport: No packet is on record that was sampled: the file is valid, and empty")
    partly = "coverage 50.00 %: blind 30 min at 10:00:00 (map full); there may be drops without samples"
    assert told[1:] == [f"dwreport: {partly}"]
    assert blocks(export.file.read_bytes())[0].comment.endswith(f" · {partly}")


def test_where_nobody_sampled_it_says_so(history: History, export: Export) -> None:
    history.run()
    history.execute("DELETE FROM watches WHERE what = 'packets'")
    assert "dwreport: Nobody sampled packets in this window: what was dropped is not to be seen.\n" in export.told()


def test_what_may_match_a_filter_is_told(history: History, export: Export) -> None:
    first = history.run()
    _place(history, first, FRAME, 1, name=None, ifindex=None, netns=None, protocol=None)
    _place(history, first, FRAME, 2)
    assert "dwreport: 1 more drop may match" in export.told("--interface", "eth0")


HOSTILE = ["'e\x1b[31mth'", "'e\u202eth'", "CAST(x'ff41fe' AS TEXT)", "'a' || char(10) || 'b'",
           "replace(hex(zeroblob(40000)), '0', 'x')", "replace(hex(zeroblob(20000)), '00', '\U0001f4a9\u200f')"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_a_system_do_no_harm(history: History, export: Export, name: str) -> None:
    """Whoever may name a device, a namespace or a host writes what a person reads in Wireshark."""
    _place(history, history.run(), FRAME, weight=7)
    history.execute(f"UPDATE interfaces SET name = {name}")  # noqa: S608
    history.execute(f"UPDATE namespaces SET name = {name}")  # noqa: S608
    history.execute(f"UPDATE runs SET hostname = {name}, kernel = {name}")  # noqa: S608
    history.execute(f"UPDATE kinds SET reason = {name}, trap = {name}")  # noqa: S608
    history.execute(f"UPDATE locations SET symbol = {name}, module = {name}")  # noqa: S608
    [packet] = export()
    assert packet.block.comment.startswith("stands for 7 packets · reason: ")
    for block in blocks(export.file.read_bytes()):
        for code, value in block.options.items():
            assert len(value) <= 65_535
            assert code == 9 or value.decode().isprintable()


@pytest.mark.parametrize("time_ns", [-2**63 + NANO, -NANO, -1, 0, 1, 2**63 - NANO])
def test_times_of_all_64_bits_are_written(history: History, export: Export, time_ns: int) -> None:
    """Whatever a clock said: the format has no time before 1970, which the comment tells then."""
    history.drop(history.run(), START_NS)
    history.packet(1, time_ns, FRAME, weight=2**63 - 1, length=2**63 - 1)
    [packet] = export("--since", "@-9223372036", "--until", "@9223372036.8")
    assert packet.block.time_ns == max(0, time_ns)
    early = f" · dropped {-time_ns} ns before 1970, " if time_ns < 0 else " · reason: "
    assert packet.block.comment.startswith(f"stands for 9 223 372 036 854 775 807 packets{early}")
    assert packet.block.number(16) == 2**32 - 1


def test_another_try_begins_anew(history: History) -> None:
    """A history that changed while it was read is read again, into the same file."""
    history.drop(history.run(), START_NS)
    for _ in range(3):
        history.packet(1, START_NS, FRAME)
    out = BytesIO()

    def ask(connection: Connection) -> bytes:
        capture(Reader(connection, Scope(START_NS, START_NS + HOUR_NS), START_NS), NOTHING_MORE, out)
        return out.getvalue()

    first = read(history.path, ask)
    out.write(b"more")
    assert read(history.path, ask) == first
    assert len(packets(first)) == 3


def test_a_pipe_gets_the_same(history: History, export: Export) -> None:
    """And what is told stands beside it."""
    _place(history, history.run(), FRAME)
    told = export.told()
    done = subprocess.run([*WORDS, *export.words, "export", "--pcapng", "-"], capture_output=True, check=True)
    assert done.stdout == export.file.read_bytes()
    assert done.stderr.decode() == told


def test_a_reader_that_has_seen_enough_is_no_fault(history: History, export: Export) -> None:
    """As with head."""
    _place(history, history.run(), FRAME)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*WORDS, *export.words, "export", "--pcapng", "-"], stdout=writing, stderr=subprocess.PIPE,
                          check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_is_refused(history: History, export: Export) -> None:
    """Bytes of packets are nothing to look at, and what they may do to a terminal is known."""
    _place(history, history.run(), FRAME)
    master, terminal = pty.openpty()
    done = subprocess.run([*WORDS, *export.words, "export", "--pcapng", "-"], stdout=terminal, stderr=subprocess.PIPE,
                          text=True, check=False)
    os.close(terminal)
    os.close(master)
    assert done.returncode == 2
    assert done.stderr == ("dwreport: packets are nothing for a terminal; name a file, or a pipe: dwreport export "
                           "--pcapng - | tshark -r -\n")


def test_a_full_disk_is_a_fault(history: History, export: Export) -> None:
    """By its name, and as standard output: one line."""
    _place(history, history.run(), FRAME)
    for name, what in (("/dev/full", "/dev/full"), ("-", "the report, standard output")):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([*WORDS, *export.words, "export", "--pcapng", name], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"dwreport: cannot write {what}: No space left on device; check ")
        assert done.stderr.count("\n") == 1


def test_a_disk_that_fills_up_in_the_midst_leaves_what_was_there(history: History, export: Export) -> None:
    """A limit on the size of files fails as a disk does; the history is not blamed for it."""
    history.drop(history.run(), START_NS)
    for _ in range(30):  # more than is held before it is written
        history.packet(1, START_NS, FRAME + bytes(10_000))
    export.file.write_bytes(b"old")
    code = ("import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
            "from dwreport.__main__ import main\nmain()")
    done = subprocess.run([sys.executable, "-c", code, *export.words, "export", "--pcapng", str(export.file)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (f"dwreport: cannot write {export.file}: File too large; "
                           "check the folder, its rights and the room on its disk\n")
    assert export.file.read_bytes() == b"old"
    assert sorted(path.name for path in export.file.parent.iterdir()) == ["drops.pcapng", "history.db"]


@pytest.mark.parametrize(("words", "what"), [
    (["export"], "export takes one of --html FILE, --pcapng FILE, --bundle FILE and "),
    (["export", "--html", "x", "--pcapng", "x"], "export takes one of --html FILE, --pcapng FILE, --bundle FILE and "),
    (["export", "--html", ""], "--html needs the name of a file"),
    (["export", "--html", "x", "--interface", "eht0"], "no interface eht0 is on record; "),
    (["--format", "json", "export", "--html", "x"], "export has no --format; it writes all that the filters take"),
    (["export", "--pcapng", ""], "--pcapng needs the name of a file"),
    (["export", "--pcapng", "x", "--top", "3"], "No such option"),
    (["--top", "3", "export", "--pcapng", "x"], "export has no --top; it writes all that the filters take"),
    (["--fail-if", "harmful > 1", "export", "--pcapng", "x"], "export has no --fail-if; "),
    (["export", "--pcapng", "x", "--since", "soon"], "unreadable --since"),
    (["export", "--pcapng", "x", "extra"], "Got unexpected extra argument"),
    (["export", "--pcapng", "x", "--interface", "eht0"], "no interface eht0 is on record; "),
])
def test_wrong_usage_is_one_line_and_writes_nothing(
    history: History, capsys: pytest.CaptureFixture[str], words: list[str], what: str,
) -> None:
    _place(history, history.run(), FRAME)
    file = history.path.with_name("file")
    assert run(["--database", str(history.path), *(str(file) if word == "x" else word for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"dwreport: {what}")
    assert err.count("\n") == 1
    assert [path.name for path in file.parent.iterdir()] == ["history.db"]


def test_the_history_itself_is_not_replaced(history: History, export: Export) -> None:
    """By whatever name."""
    _place(history, history.run(), FRAME)
    export.file.symlink_to(history.path)
    assert "is the history itself; name another file" in export.told(code=2)
    assert history.path.read_bytes().startswith(b"SQLite format 3")


def test_a_history_that_is_not_there_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--database", str(tmp_path / "none.db"), "export", "--pcapng", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err.startswith("dwreport: no history here, ")
    assert not list(tmp_path.iterdir())


def test_wireshark_reads_what_was_written(history: History, export: Export) -> None:
    """Names, times, protocols and comments; nothing in it is malformed."""
    tshark = shutil.which("tshark")
    if tshark is None:
        assert not CI
        pytest.skip("needs tshark")
    first = history.run()
    _place(history, first, FRAME, 1, weight=7, length=900)
    _place(history, first, IP, 2, link_header=False, netns=BLUE, netns_name="blue")
    _place(history, first, bytes(28), 3, link_header=False, protocol=0x0806)
    _place(history, first, FRAME, 4, name="e\x1b[31mth", reason="x" * 70_000, ifindex=7)
    export()
    fields = ["frame.interface_name", "frame.interface_description", "frame.time_epoch", "frame.len", "frame.cap_len",
              "frame.protocols", "udp.dstport", "frame.comment"]
    done = subprocess.run([tshark, "-r", str(export.file), "-T", "json", *(f"-e{field}" for field in fields)],
                          capture_output=True, text=True, check=True)
    rows = [{name: values[0] for name, values in row["_source"]["layers"].items()} for row in json.loads(done.stdout)]
    assert [row["frame.interface_name"] for row in rows] == ["eth0", "eth0 (blue)", "eth0", "e\\x1b[31mth"]
    assert {row["frame.interface_description"] for row in rows} == {"web-3"}
    assert [row["frame.protocols"] for row in rows] == ["eth:ethertype:ip:udp", "raw:ip:udp", "user_dlt:data",
                                                        "eth:ethertype:ip:udp"]
    assert [(row["frame.len"], row["frame.cap_len"]) for row in rows] == [
        ("900", "42"), ("28", "28"), ("28", "28"), ("42", "42")]
    assert [row.get("udp.dstport") for row in rows] == ["5060", "5060", None, "5060"]
    assert rows[0]["frame.time_epoch"] == f"{START_NS // NANO + 1}.000000000"
    assert rows[0]["frame.comment"].startswith("stands for 7 packets · reason: SOCKET_RCVBUFF · ")
    assert "malformed" not in done.stderr
