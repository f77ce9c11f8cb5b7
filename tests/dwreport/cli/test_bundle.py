"""A bundle: reports on its window are those of the original; of other times, and with --redact of people, nothing."""

import json
import os
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History

CI = os.environ.get("CI") == "true"
SINCE_NS, UNTIL_NS = START_NS + 600 * NANO, START_NS + 1200 * NANO
WINDOW = ("--since", f"@{SINCE_NS // NANO}", "--until", f"@{UNTIL_NS // NANO}")
MACS = ("52:54:00:12:34:56", "3c:fd:fe:ab:cd:ef")
V4 = ("10.1.2.3", "93.184.216.34")
V6 = ("2a02:26f0:1:2::abcd", "fe80::5054:ff:fe12:3456")
SECRET = b"the secret of a user"


def _frame(ethertype: int, packet: bytes) -> bytes:
    return bytes.fromhex("".join(MACS).replace(":", "")) + struct.pack(">H", ethertype) + packet


def _v4(source: str, destination: str, body: bytes, protocol: int = 17) -> bytes:
    return struct.pack(">BBHHHBBH4s4s", 0x46, 0, 24 + len(body), 1, 0, 64, protocol, 0xBEEF, socket.inet_aton(source),
                       socket.inet_aton(destination)) + b"\x83\x04\x0a\x01" + body


def _v6(source: str, destination: str, body: bytes, number: int = 17) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(body), number, 64) + socket.inet_pton(socket.AF_INET6, source) \
        + socket.inet_pton(socket.AF_INET6, destination) + body


UDP = struct.pack(">HHHH", 5060, 5061, 28, 0xCAFE) + SECRET
PACKETS = [
    (_frame(0x0800, _v4(*V4, UDP)), True), (_v4(*V4[::-1], UDP), False), (_frame(0x86DD, _v6(*V6, UDP)), True),
    (_frame(0x0800, _v4(*V4, b"\x03\x03\0\0\0\0\0\0" + _v4(*V4[::-1], UDP), 1)), True),
    (_frame(0x0806, bytes.fromhex("0001080006040001") + bytes.fromhex(MACS[1].replace(":", ""))
            + socket.inet_aton(V4[0]) + bytes(6) + socket.inet_aton(V4[1])), True),
    (_frame(0x0800, _v4(V4[0], "224.0.0.251", UDP)), True), (_frame(0x88CC, SECRET + socket.inet_aton(V4[0])), True),
    (_frame(0x0800, _v4(*V4, UDP))[:28], True),
]


@pytest.fixture
def whole(history: History) -> History:
    """Return a history of three runs, with all that a report reads, within the window, across its edges and outside."""
    for number, (since_ns, until_ns) in enumerate(((START_NS - HOUR_NS, START_NS + 700 * NANO),
                                                   (START_NS + 720 * NANO, START_NS + 2400 * NANO),
                                                   (START_NS + 2500 * NANO, START_NS + HOUR_NS)), 1):
        one = history.run(since_ns, until_ns, hostname="db1.corp.example", machine_id="c0ffee11", boot_id="b-1")
        history.visited(one, since_ns, until_ns)
        history.looked(one, "UdpRcvbufErrors", since_ns)
        history.looked(one, "up", since_ns, collector="device", interface="eth0", gauge=True)
        history.counter(one, "up", 1, since_ns + 60 * NANO, collector="device", interface="eth0", gauge=True)
        for second in range(20, (until_ns - since_ns) // NANO, 170):
            at_ns = since_ns + second * NANO
            history.drop(one, at_ns, number + second % 7, first_ns=at_ns, last_ns=at_ns + 30 * NANO,
                         window_width_ns=60 * NANO)
            history.counter(one, "UdpRcvbufErrors", number + second % 7, at_ns + 35 * NANO, since_ns=at_ns - 10 * NANO)
            history.event(one, at_ns, "link up", "eth0", detail=f"{MACS[0]} at db1.corp.example")
    history.watch(1, "counters", "unseen", START_NS - HOUR_NS, START_NS + 650 * NANO,
                  namespace_id=history.namespace(4026531840))
    history.looked(1, "packet_ring", START_NS - HOUR_NS, collector="unseen", gauge=True)
    history.counter(1, "packet_ring", 1, START_NS - HOUR_NS + 120 * NANO, collector="unseen", gauge=True)
    history.counter(2, "socket_drops", 3, SINCE_NS + 300 * NANO, collector="sockets",
                    labels={"local": f"{V4[0]}:5060", "peer": f"[{V6[0]}]:7", "process": "sipd"})
    history.drop(2, SINCE_NS + 400 * NANO, 5, netns=7, netns_name="customer-name", reason="NO_SOCKET")
    history.drop(3, START_NS + 3000 * NANO, 5, reason="LATER_REASON", name="later0", ifindex=9)
    history.gap(2, SINCE_NS + 500 * NANO, SINCE_NS + 510 * NANO, lost=3, detail=f"of {V6[1]}")
    history.gap(2, SINCE_NS + 520 * NANO, SINCE_NS + 530 * NANO, cause="collector failed", effect="detail",
                scope="counters:snmp@customer-name", detail="customer-name cannot be entered")
    history.event(2, SINCE_NS + 540 * NANO, "netns removed", "customer-name", netns=7)
    history.execute("UPDATE interfaces SET kind = 'veth', peer = '#4 in customer-name' WHERE name = 'eth0'")
    for second, (data, link_header) in enumerate(PACKETS):
        history.packet(2, SINCE_NS + (200 + second) * NANO, data, link_header=link_header, weight=3)
    history.packet(3, UNTIL_NS + 9 * NANO, b"OUTSIDE" * 9)
    return history


def _report(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--format", "json", "--database", str(path), *WINDOW]) == 0
    found = json.loads(capsys.readouterr().out)
    recorded = found["coverage"].pop("recorded_until")
    assert recorded is None or recorded >= "2025"
    return found


def _bundle(history: History, path: Path, *words: str) -> Path:
    assert run(["export", "--bundle", str(path), "--database", str(history.path), *WINDOW, *words]) == 0
    return path


@pytest.fixture
def made(whole: History, tmp_path: Path) -> Path:
    return _bundle(whole, tmp_path / "part.db")


def test_reports_on_the_window_are_those_of_the_original(
    whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """Each view, findings and their evidence too."""
    made = _bundle(whole, tmp_path / "part.db")
    said = capsys.readouterr().err
    assert f"to read it: dwreport --database {made} --since @{SINCE_NS // NANO} --until @{UNTIL_NS // NANO}" in said
    for words in ([], ["drops"], ["counters"], ["coverage"], ["packets"], ["timeline"], ["explain", "#1"],
                  ["--by", "reason,netns,port"], ["--interface", "eth0", "-v"], ["--run", "-1"]):
        assert _report(made, capsys, *words) == _report(whole.path, capsys, *words), words
    assert _report(made, capsys, "coverage")["unseen"]
    found = _report(made, capsys)
    assert found["findings"]
    assert found["hosts"][0]["hostname"] == "db1.corp.example"
    assert found["coverage"]["status"] == "partial"


def test_nothing_else_is_in_it_nor_claimed(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of other times it says that they are not here, and not that nothing was dropped."""
    raw = made.read_bytes()
    assert b"OUTSIDE" not in raw
    assert b"LATER_REASON" not in raw
    capsys.readouterr()
    assert run(["--database", str(made), "--format", "json", "--since", f"@{UNTIL_NS // NANO + 60}",
                "--until", f"@{UNTIL_NS // NANO + 600}"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coverage"]["status"] == "blind"
    assert "not in this part of a history" in found["coverage"]["gaps"][0]["detail"]
    assert run(["runs", "--database", str(made), "--format", "json", "--since", f"@{START_NS // NANO}"]) == 0
    first, second, _third = sorted(json.loads(capsys.readouterr().out)["runs"], key=lambda row: str(row["since"]))
    assert (first["ending"], first["status"]) == ("stopped", "partial")
    assert second["ending"] == "this part of a history ends, the run went on"
    with closing(sqlite3.connect(made)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def _traces(raw: bytes) -> list[bytes]:
    """Return all forms of what must not be in it that are."""
    packed = [bytes.fromhex(mac.replace(":", "")) for mac in MACS] + [socket.inet_aton(one) for one in V4] + [
        socket.inet_pton(socket.AF_INET6, one) for one in V6]
    texts = [*MACS, *V4, *V6, "db1.corp.example", "c0ffee11", "customer-name"]
    words = [*packed, *(text.encode() for text in texts), SECRET[:8], b"\xbe\xef", b"\xca\xfe"]
    return [word for word in words if word in raw]


def test_who_it_was_is_not_in_a_redacted_one(
    whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """In no form, in no page; the same address has the same name everywhere, and its family is known."""
    assert len(_traces(_bundle(whole, tmp_path / "plain.db").read_bytes())) > 12
    path = _bundle(whole, tmp_path / "part.db", "--redact")
    assert _traces(path.read_bytes()) == []
    with closing(sqlite3.connect(path)) as connection:
        data = [row for row, in connection.execute("SELECT data FROM packets ORDER BY id")]
        (labels,) = [json.loads(text) for text, in connection.execute("SELECT labels FROM counters") if "sipd" in text]
        (detail,) = connection.execute("SELECT DISTINCT detail FROM events").fetchone()
        (space,) = connection.execute("SELECT name FROM namespaces WHERE name LIKE 'netns-%'").fetchone()
        assert connection.execute("SELECT subject FROM events WHERE kind = 'netns removed'").fetchone() == (space,)
        assert connection.execute("SELECT scope, detail FROM gaps WHERE cause = 'collector failed'").fetchone() == (
            f"counters:snmp@{space}", f"{space} cannot be entered")
    source, destination = data[0][26:30], data[0][30:34]
    assert labels["local"] == f"{socket.inet_ntoa(source)}:5060"
    assert re.fullmatch(r"\[2001:db8::\w+\]:7", labels["peer"])
    assert (data[1][12:16], data[1][16:20]) == (destination, source)
    assert data[0][34:38] == bytes(4)
    assert data[0][38:42] == UDP[:4]
    assert detail == f"{data[0][:6].hex(':')} at host-1"
    assert data[5][30:34] == socket.inet_aton("224.0.0.251")
    assert data[4][28:32] == source
    assert [len(one) for one in data] == [46, 32, 62, 42, 42, 46, 14, 24]
    capsys.readouterr()
    found = _report(path, capsys)
    assert found["hosts"][0]["hostname"] == "host-1"
    assert sum(row["count"] for row in found["drops"]) == sum(
        row["count"] for row in _report(whole.path, capsys)["drops"])
    words = ["export", "--pcapng", str(tmp_path / "p.pcapng"), "--redact", "--database", str(whole.path), *WINDOW]
    assert run(words) == 0
    assert _traces((tmp_path / "p.pcapng").read_bytes()) == []
    assert "wrote 8 packets" in capsys.readouterr().err


def test_wireshark_reads_alerts_of_the_drop_monitor(whole: History, tmp_path: Path) -> None:
    """As its dissector net_dm has them: the trace says itself which family that is."""
    path = tmp_path / "alerts.pcapng"
    assert run(["export", "--pcapng", str(path), "--as", "net_dm", "--database", str(whole.path), *WINDOW]) == 0
    if not shutil.which("tshark"):
        assert not CI, "CI installs tshark"
        pytest.skip("needs tshark")
    fields = ("net_dm.symbol", "net_dm.port.netdev_index", "net_dm.port.netdev_name", "net_dm.timestamp",
              "net_dm.orig_len", "net_dm.proto", "ip.src", "udp.dstport", "frame.comment")
    done = subprocess.run(
        ["tshark", "-r", path, "-Y", "net_dm", "-T", "fields", *(word for field in fields for word in ("-e", field))],
        capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(PACKETS)
    symbol, ifindex, name, time, length, protocol, source, port, comment = rows[0]
    assert (symbol, ifindex, name) == ("udp_queue_rcv_one_skb+0x1f", "2", "eth0")
    assert int(length) == len(PACKETS[0][0])
    assert protocol in {"0x0800", "2048"}
    assert (source, port) == (V4[0], "5061")
    assert comment.startswith("stands for 3 packets · reason: SOCKET_RCVBUFF")
    assert time
    malformed = subprocess.run(["tshark", "-r", path, "-Y", "_ws.malformed && !ip && !lldp", "-T", "fields", "-e",
                                "frame.number"], capture_output=True, text=True, check=True)
    assert malformed.stdout == ""


@pytest.mark.parametrize(("words", "said"), [
    ([], "export takes one of --html FILE, --pcapng FILE, --bundle FILE and --parquet FOLDER"),
    (["--bundle", "x", "--pcapng", "y"], "export takes one of"),
    (["--bundle", "x", "--interface", "eth0"], "a bundle has all of the window, and takes no --interface"),
    (["--html", "x", "--redact"], "a page has no --redact"),
    (["--bundle", "x", "--address", "10.1.2.3"], "a bundle has all of the window, and takes no --address"),
    (["--bundle", ""], "--bundle needs the name of a file"),
    (["--bundle", "{database}"], "is the history itself; name another file"),
])
def test_wrong_usage_is_told(
    whole: History, capsys: pytest.CaptureFixture[str], words: list[str], said: str,
) -> None:
    given = [word.format(database=whole.path) for word in words]
    assert run(["export", *given, "--database", str(whole.path)]) == 2
    assert said in capsys.readouterr().err


def test_an_older_history_is_not_taken_apart(
    whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    whole.execute("UPDATE alembic_version SET version_num = '0005'")
    assert run(["export", "--bundle", str(tmp_path / "x"), "--database", str(whole.path), *WINDOW]) == 1
    assert "start dropwatchd once to upgrade it" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
