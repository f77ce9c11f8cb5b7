"""The service in a guest: what it may do, what it tells, and how it fares when stopped, killed or cut off."""

import json
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import CompletedProcess

import pytest

from dropwatchd.collectors import collector_names
from dropwatchd.config import RETRANSMITS
from dropwatchd.sources.bpf.hold import NAMES
from tests.torture.conftest import LONG
from tests.vm.guest import Guest
from tests.vm.service import CONFIG, DATABASE, DEADLINE_S, SYSTEMD, Service
from tests.vm.switch import switch

# include/uapi/linux/capability.h
DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN = 1 << 2, 1 << 12, 1 << 19, 1 << 21
SYSLOG, PERFMON, BPF = 1 << 34, 1 << 38, 1 << 39
COUNTED = "drops were counted meanwhile, but when is not known"
KEPT = str(len(NAMES) + 1)
KILLS = 100 if LONG else 8
LONGEST_S = 8.0
NOBODY = "setpriv --reuid=nobody --regid=nogroup --reset-env"


@pytest.fixture(scope="module")
def installed(guest: Guest) -> Iterator[Service]:
    """The unit in place, to be started; the counters' interval is so long that each round has a cause."""
    service = Service(guest)
    service.install()
    try:
        service.run(f"sed -i 's/^interval_seconds = .*/interval_seconds = 3600.0/' {CONFIG}")
        # With this module there is something that the collector iptables may not read: a warning for the journal.
        service.run("modprobe iptable_filter")
        yield service
    finally:
        service.uninstall()


@pytest.fixture
def service(installed: Service) -> Service:
    """The service, running: `systemctl start` returns when it has said READY."""
    installed.run("systemctl start dropwatchd")
    assert installed.show("ActiveState") == "active"
    return installed


def test_rights(service: Service) -> None:
    """It runs as a user of its own with the two capabilities that BPF takes, and can get no other."""
    pid = service.show("MainPID")
    assert service.run(f"ps -o user:20=,group:20= {pid}").split() == ["dropwatchd", "dropwatchd"]
    assert service.rights() == BPF | PERFMON


def test_exposure(service: Service) -> None:
    """What a hijacked daemon could reach is little, by systemd's own measure."""
    found = service.run("systemd-analyze --no-pager security dropwatchd")
    exposure = re.search(r"Overall exposure level for dropwatchd.service: ([\d.]+)", found)
    assert exposure
    assert float(exposure[1]) <= 1.5


def test_records_exactly_and_for_its_group(service: Service) -> None:
    """Every drop is counted; root and the group dropwatchd read it, others are told why they do not."""
    total = service.record(1000)
    for user in ("", f"{NOBODY} --groups=dropwatchd"):
        (drop,) = json.loads(_report(service, user).stdout)["drops"]
        assert (drop["count"], drop["interface"], drop["protocol"]) == (total, "lo", "ipv4")
    refused = _report(service, f"{NOBODY} --clear-groups")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(r"dwreport: no right to read the history, .*\n", refused.stderr)


def _report(service: Service, user: str, options: str = "--reason NO_SOCKET") -> CompletedProcess[str]:
    command = f"{user} dwreport --since 1d {options} --format json"
    return service.guest.run(command, DEADLINE_S, check=False)


def test_status_line(service: Service) -> None:
    """`systemctl status` says what is seen, how much of it was dropped, and whether anything was missed."""
    line = re.compile(r'Status: "bpf, \d+ drops in the last minute, coverage complete"')
    service.until(lambda: line.search(service.run("systemctl --no-pager status dropwatchd")))


def test_journal_priorities(service: Service) -> None:
    """What the daemon tells is info in the journal, what it lacks a warning."""
    warning = "collector iptables: takes more rights"
    service.until(lambda: service.says(warning))
    told = {entry["MESSAGE"]: entry["PRIORITY"] for entry in service.journal()}
    assert told[f"recording into {DATABASE}"] == "6"
    assert {priority for message, priority in told.items() if message.startswith(warning)} == {"4"}


def test_collectors(service: Service) -> None:
    """Whatever this kernel has or lacks, no collector fails with all rights: it works, or what it counts is absent."""
    rows = re.findall(r"^collector +(\w+) +(\w+)", service.run("dropwatchd --check"), re.MULTILINE)
    assert {name for name, _works in rows} == {*collector_names()} - {RETRANSMITS}
    assert {works for _name, works in rows} == {"yes", "absent"}


def test_reload(service: Service) -> None:
    """A shorter interval of the counters is taken at once and without a restart."""
    pid, before = service.show("MainPID"), _rounds(service)
    with service.config("interval_seconds", 1.0):
        service.run("systemctl reload dropwatchd")
        service.until(lambda: _rounds(service) > before + 1)
    service.run("systemctl reload dropwatchd")
    service.until(lambda: service.show("SubState") == "running")
    assert service.show("MainPID") == pid


def _rounds(service: Service) -> int:
    """Return how many rounds one collector has made since the daemon's start."""
    (row,) = service.query("SELECT coalesce(sum(rounds), 0) AS rounds FROM collector_runs WHERE collector = 'snmp'"
                           "AND run_id = (SELECT max(id) FROM runs)")
    return int(row["rounds"])


def test_reload_of_a_broken_configuration(service: Service) -> None:
    """It is refused with one line that says what is wrong, and the daemon goes on as before."""
    pid, line = service.show("MainPID"), "keeping the configuration as it was"
    with service.config("interval_seconds", "often"):
        service.run("systemctl reload dropwatchd")
        service.until(lambda: service.says(line))
    (said,) = service.journal("--priority=err", "_COMM=dropwatchd")
    assert said["MESSAGE"].startswith(f"{line}: {CONFIG}: counters.interval_seconds: 'often' is not allowed")
    service.until(lambda: service.show("SubState") == "running")
    assert service.show("MainPID") == pid
    service.record(10)


def test_restart(service: Service) -> None:
    """The run is ended in order, and the time between is the only gap; no drop recorded before is lost."""
    total, endings, downtimes = service.record(10), service.endings(), service.downtimes()
    service.run("systemctl restart dropwatchd")
    assert service.endings() == [*endings[:-1], "stopped", None]
    service.until(lambda: len(service.downtimes()) > len(downtimes))
    assert service.downtimes() == [*downtimes, f"stopped; {COUNTED}"]
    assert service.drops() == total


def test_stop(service: Service) -> None:
    """The administrator wants nothing watched: nothing is left in the kernel, and nothing of that time is told."""
    total, downtimes = service.record(10), service.downtimes()
    assert service.show("NFileDescriptorStore") == KEPT
    service.run("systemctl stop dropwatchd")
    assert service.show("NFileDescriptorStore") == "0"
    service.drop(100)
    service.run("systemctl start dropwatchd")
    assert service.downtimes() == [*downtimes, "stopped"]
    assert service.record(10) == total + 10


def test_killed_under_load(service: Service) -> None:
    """At any moment, again and again: the kernel goes on counting, and each drop is recorded once."""
    chance = random.Random(5)
    with service.drop_in("often.conf", "[Unit]\nStartLimitIntervalSec=0\n"):
        total, (newest,) = service.record(10), service.query("SELECT max(id) AS run FROM runs")
        with service.load() as dropped:
            for _ in range(KILLS):
                pid = service.show("MainPID")
                time.sleep(chance.uniform(0, LONGEST_S))  # not a wait, but at what moment it is killed
                service.run(f"kill -KILL {pid}")
                service.until(lambda pid=pid: service.show("MainPID") not in {"0", pid})  # type: ignore[misc]
        service.until(lambda: service.show("ActiveState") == "active")
        service.until(lambda: service.drops() >= total + dropped())
        assert dropped() > 100 * KILLS
        assert service.drops() == total + dropped()
        gaps = service.query("SELECT run_id, effect, lost, detail FROM gaps WHERE cause = 'daemon down'")
        assert {(gap["effect"], gap["lost"], gap["detail"]) for gap in gaps if gap["run_id"] > newest["run"]} == {
            ("detail", 0, f"crashed; {COUNTED}")}


def test_watchdog(service: Service) -> None:
    """A daemon that no longer moves is ended by systemd and started again, and the gap is written."""
    pid, downtimes = service.show("MainPID"), service.downtimes()
    service.run(f"kill -STOP {pid}")
    service.until(lambda: service.came_back(pid))
    assert service.says("dropwatchd.service: Watchdog timeout")
    service.until(lambda: len(service.downtimes()) > len(downtimes))
    assert service.downtimes() == [*downtimes, f"crashed; {COUNTED}"]


def test_kill(service: Service) -> None:
    """SIGKILL leaves a history that opens with all that was written; without a restart nothing is counted meanwhile."""
    with service.drop_in("once.conf", "[Service]\nRestart=no\n"):
        total, endings, downtimes = service.record(10), service.endings(), service.downtimes()
        service.run("systemctl kill --signal=KILL dropwatchd")
        service.until(lambda: service.show("ActiveState") == "failed")
        service.assert_history_is_sound()
        assert service.drops() == total
    service.run("systemctl start dropwatchd")
    assert service.endings() == [*endings[:-1], "crashed", None]
    assert service.downtimes() == [*downtimes, "crashed"]


def test_out_of_memory(service: Service) -> None:
    """The kernel's OOM killer leaves a history that opens too, and systemd brings the daemon back."""
    pid, total, downtimes = service.show("MainPID"), service.record(10), service.downtimes()
    # The kernel kills before this write returns (memory_max_write in mm/memcontrol.c).
    # The next start makes a new cgroup, with the limit of the unit.
    service.run("echo 4M > /sys/fs/cgroup/system.slice/dropwatchd.service/memory.max")
    service.until(lambda: service.came_back(pid))
    assert f"Killed process {pid} (dropwatchd)" in service.run("journalctl -k -o cat")
    service.assert_history_is_sound()
    assert service.drops() == total
    service.until(lambda: len(service.downtimes()) > len(downtimes))
    assert service.downtimes() == [*downtimes, f"crashed; {COUNTED}"]


def test_drop_in_for_net_dm(service: Service) -> None:
    """The shipped drop-in loads the kernel's drop monitor and gives the rights to use it."""
    text = (SYSTEMD / "net_dm.conf").read_text()
    with service.config("source", "net_dm"), service.drop_in("net_dm.conf", text):
        service.run("systemctl restart dropwatchd")
        assert service.rights() == BPF | PERFMON | NET_ADMIN | SYS_ADMIN | SYSLOG
        service.record(100)
        assert service.watched() == {("software", "net_dm"), ("hardware", "net_dm")}
        service.run("systemctl stop dropwatchd")


def test_functions_are_named_in_summary_mode(service: Service) -> None:
    """The monitor gives addresses alone: with the drop-in the service may see which functions they are in."""
    text = (SYSTEMD / "net_dm.conf").read_text() + "ExecStart=\nExecStart=/usr/local/bin/dropwatchd --source net_dm\n"
    with service.config("mode", "summary"), service.drop_in("net_dm.conf", text):
        service.run("systemctl restart dropwatchd")
        service.drop(100)
        named = "SELECT coalesce(sum(count), 0) AS drops FROM v_drops WHERE location LIKE '__udp4_lib_rcv%'"
        service.until(lambda: service.query(named)[0]["drops"] >= 100)
        assert not service.query("SELECT 1 FROM gaps WHERE cause = 'functions cannot be named'")
        service.run("systemctl stop dropwatchd")


def test_drop_in_for_evidence(service: Service) -> None:
    """With it the findings name the firewall's rule, and the process whose socket was full."""
    text = (SYSTEMD / "evidence.conf").read_text()
    with service.drop_in("evidence.conf", text), _firewall(service), _reader(service):
        service.run("systemctl restart dropwatchd")
        assert service.rights() == BPF | PERFMON | NET_ADMIN | SYS_PTRACE | DAC_READ_SEARCH
        service.drop(20, port=7777)
        service.drop(200, port=5060)
        service.run("systemctl reload dropwatchd")  # which reads the counters
        service.until(lambda: {"by rule: inet evidence in", "owner: python3["} <= _told(service))
        service.run("systemctl stop dropwatchd")


@contextmanager
def _firewall(service: Service) -> Iterator[None]:
    service.run("nft 'table inet evidence { chain in { type filter hook input priority 0;"
                " udp dport 7777 counter drop; }; }'")
    try:
        yield
    finally:
        service.run("nft delete table inet evidence")


@contextmanager
def _reader(service: Service) -> Iterator[None]:
    """Have a program of another user that does not read from its socket."""
    program = ("import socket, time; reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
               " reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304); reader.bind(('127.0.0.1', 5060));"
               " time.sleep(3600)")
    service.run(f'systemd-run --quiet --unit=reader --uid=nobody python3 -c "{program}"')
    service.until(lambda: ":5060 " in service.run("ss -lun"))
    try:
        yield
    finally:
        service.run("systemctl stop reader")


def _told(service: Service) -> set[str]:
    """Return the beginnings of what the findings say of rules and owners."""
    said = [line for finding in json.loads(_report(service, "", "").stdout)["findings"]
            for line in (*finding["evidence"], *finding["who"])]
    return {start for start in ("by rule: inet evidence in", "owner: python3[")
            if any(line.startswith(start) for line in said)}


def test_hardware_drops_beside_bpf(service: Service) -> None:
    """Where a device has traps the source auto adds their drops, in the number that devlink has counted."""
    with service.drop_in("net_dm.conf", (SYSTEMD / "net_dm.conf").read_text()), switch(service) as trap:
        service.run("systemctl restart dropwatchd")
        service.record(100)
        trap.set("trap")
        service.until(lambda: trap.count() >= 20)
        trap.set("drop")
        service.until(lambda: trap.recorded() >= trap.count())
        assert trap.recorded() == trap.count()
        assert service.watched() == {("software", "bpf"), ("hardware", "net_dm")}
        service.run("systemctl stop dropwatchd")


def test_power_cut(service: Service) -> None:
    """The history opens and has what reached the disk; the gap says that the host was started anew."""
    total, downtimes = service.record(10), service.downtimes()
    service.run("sync")
    service.drop(1000)
    service.guest.power_cut()
    service.guest.start()
    service.assert_history_is_sound()
    assert total <= service.drops() <= total + 1000
    service.run("systemctl start dropwatchd")
    assert service.downtimes() == [*downtimes, "crashed, and the host was started anew"]


def test_boot(service: Service) -> None:
    """It watches before the network comes up, so that what is dropped while it does is seen."""
    downtimes = service.downtimes()
    service.run("systemctl enable dropwatchd; sync")
    service.guest.power_cut()
    service.guest.start()
    try:
        service.until(lambda: service.show("ActiveState") == "active")
        times = service.run("systemctl show --value --property=ActiveEnterTimestampMonotonic"
                            " dropwatchd.service network-pre.target").split()
        began, network = map(int, times)
        assert 0 < began <= network
        assert service.downtimes() == [*downtimes, "crashed, and the host was started anew"]
    finally:
        service.run("systemctl disable dropwatchd")
