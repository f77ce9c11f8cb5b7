"""The programs that are compared: how each is started, and what it says that it recorded and lost."""

import re
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.bench.sender import PAYLOAD

QUEUE, TRUNCATION = 4096, 128
"""The kernel's queue and the bytes of each packet are the same for all that use the drop monitor: dropwatchd's own."""

_NO_ROUNDS = "[counters]\ninterval_seconds = 3600.0\n"  # none of the others reads counters
_STEADY = "[net_dm.storm]\nalerts = 0\n"
_PLACE = "udp4"  # in the name of the function, which is not the same on all kernels


@dataclass(frozen=True)
class Peer:
    """`recorded` and `lost` read what the program left in its folder; a lost of None is one it does not tell.

    `command` is filled in with the folder; `typed` is its standard input, `config` the file config.toml there.
    `ready` is what it prints when it has begun, if it says so.
    """

    title: str
    command: str
    recorded: Callable[[Path], int]
    lost: Callable[[Path], int | None]
    typed: str = ""
    config: str = ""
    ready: str = ""


def _in_capture(folder: Path) -> int:
    """Return how many records of dwdump's file, in the format of pcap-savefile(5), hold a packet of the sender."""
    data = (folder / "capture").read_bytes()
    offset, found = 24, 0
    while offset < len(data):
        (length,) = struct.unpack_from("=8xI4x", data, offset)
        offset += 16
        found += data.find(PAYLOAD, offset, offset + length) >= 0
        offset += length
    return found


def _in_output(pattern: str) -> Callable[[Path], int]:
    """Return what adds up the numbers that a pattern captures in standard output, or counts lines without a number."""
    def recorded(folder: Path) -> int:
        found = re.findall(pattern, (folder / "stdout").read_text(errors="replace"), re.MULTILINE)
        return sum(int(number or 1) for number in found)
    return recorded


def _lost_events(folder: Path) -> int:
    text = "".join((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return sum(map(int, re.findall(r"Lost (\d+) events", text)))


def _in_perf_data(folder: Path) -> int:
    return _perf_script(folder).count("location=__udp4_lib_rcv")


def _lost_by_perf(folder: Path) -> int:
    return sum(map(int, re.findall(r"PERF_RECORD_LOST(?:_SAMPLES)?\D+(\d+)", _perf_script(folder))))


def _perf_script(folder: Path) -> str:
    command = ["perf", "script", "--show-lost-events", "-F", "event,trace", "-i", str(folder / "perf.data")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tail_dropped() -> int:
    """Return what the drop monitor itself has lost of software drops since it was loaded, as `dwdump -s` prints it."""
    text = subprocess.run(["dwdump", "-s"], check=True, capture_output=True, text=True).stdout
    return int(text.partition("Tail dropped:")[2].split()[0])


def _of_the_kernel(folder: Path) -> int:
    """Return what the kernel counted as lost while the program ran; the file is from before its start."""
    return tail_dropped() - int((folder / "tail_dropped").read_text())


def _untold(_folder: Path) -> None:
    return None


def _in_history(folder: Path) -> int:
    return _ask(folder, "SELECT coalesce(sum(count), 0) FROM v_drops WHERE instr(location, ?)", _PLACE)


def _in_ledger(folder: Path) -> int:
    return _ask(folder, "SELECT coalesce(sum(lost), 0) FROM gaps WHERE effect != 'detail'")


def _ask(folder: Path, query: str, *values: str) -> int:
    with closing(sqlite3.connect(f"file:{folder}/history.db?mode=ro", uri=True)) as connection:
        return int(connection.execute(query, values).fetchone()[0])


def _dropwatchd(title: str, source: str, config: str = "") -> Peer:
    command = f"{sys.executable} -m dropwatchd --config {{0}}/config.toml --database {{0}}/history.db --source {source}"
    return Peer(title, command, _in_history, _in_ledger, config=_NO_ROUNDS + config, ready="ready after")


def _dropwatch(mode: str, pattern: str, lost: Callable[[Path], int | None]) -> Peer:
    typed = f"set alertmode {mode}\nset queue {QUEUE}\nset trunc {TRUNCATION}\nset hw false\nstart\nexit\n"
    return Peer(f"dropwatch, {mode}", "dropwatch -l kas", _in_output(pattern), lost, typed=typed)




def _bpftrace(title: str, action: str, pattern: str, lost: Callable[[Path], int | None]) -> Peer:
    program = f"tracepoint:skb:kfree_skb {{{{ {action} }}}}"
    return Peer(f"bpftrace, {title}", f"bpftrace -e '{program}'", _in_output(pattern), lost, ready="Attaching")


PEERS = {
    "dwdump": Peer(
        "dwdump", f"dwdump -o sw -t {TRUNCATION} -l {QUEUE} -w {{0}}/capture", _in_capture, _of_the_kernel),
    "dropwatch-packet": _dropwatch("packet", rf"^drop at: [^\n]*{_PLACE}()", _of_the_kernel),
    "dropwatch-summary": _dropwatch("summary", rf"^(\d+) drops at \S*{_PLACE}", _untold),
    "bpftrace-each": _bpftrace(
        "a line each", 'printf("%d %s\\n", args->reason, ksym(args->location));',
        rf"^\d+ \S*{_PLACE}()", _lost_events),
    "bpftrace-count": _bpftrace(
        "counts only", "@[args->reason, ksym(args->location)] = count();",
        rf"^@\[[^\]]*{_PLACE}[^\]]*\]: (\d+)", _untold),
    "perf": Peer("perf record", "perf record -q -a -e skb:kfree_skb -o {0}/perf.data", _in_perf_data, _lost_by_perf),
    "packet": _dropwatchd("dropwatchd, net_dm packet", "net_dm", _STEADY),
    "summary": _dropwatchd("dropwatchd, net_dm summary", "net_dm", '[net_dm]\nmode = "summary"\n'),
    "bpf": _dropwatchd("dropwatchd, bpf", "bpf"),
}
