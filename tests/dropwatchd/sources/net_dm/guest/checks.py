"""Checks of the NET_DM source that need a kernel with it: `python checks.py NAME` inside a guest, as root."""

import subprocess
import sys
from pathlib import Path

from hands import (  # type: ignore[import-not-found] # in the script's own folder
    DEFAULT,
    configure,
    dwdump,
    is_trapped,
    leave_on,
    set_trap,
    state,
    stop,
    switch,
    trapped,
)
from recording import is_udp, provoke, recording, until  # type: ignore[import-not-found] # likewise

from dropwatchd.model import DropKey, GapCause
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.net_dm.options import Config, NetDmOptions, StormLimits
from dropwatchd.sources.net_dm.source import NetDmSource

MANY = 300_000
ODD = Config("packet", 77, 99)


def check_packet_mode_counts_exactly() -> None:
    """At full speed of one sender: recorded and reported lost are what was provoked, with bytes and all names."""
    with recording() as running:
        provoke(MANY)
    drops = [drop for drop in running.drops() if is_udp(drop.key)]
    lost = running.lost()
    print(f"recorded {sum(drop.count for drop in drops)}, lost {lost}, of {MANY}")
    assert sum(drop.count for drop in drops) + lost == MANY
    assert sum(drop.octets or 0 for drop in drops) == 142 * (MANY - lost)
    key, = {drop.key for drop in drops}
    assert (key.kind.reason, key.kind.protocol, key.kind.origin) == ("NO_SOCKET", 0x0800, "software")
    assert (key.interface.ifindex, key.interface.name, key.interface.netns) == (1, None, None)
    assert key.location.symbol
    assert key.location.offset
    samples = [sample for sample in running.samples() if sample.key == key]
    assert {(sample.length, len(sample.data), sample.link_header) for sample in samples} == {(142, 14 + 20 + 8, True)}
    assert running.limits == ("packets without a MAC header",)


def check_queue_overflow_is_counted() -> None:
    """With room for ten packets in the kernel's queues, what is not recorded is reported lost, to the packet."""
    with recording(queue_length=10) as running:
        provoke(MANY // 10)
    assert running.gaps(GapCause.KERNEL_QUEUE)
    assert running.count(is_udp) + running.lost() == MANY // 10


def check_socket_overrun_is_counted_and_passes() -> None:
    """With a small socket buffer, losses are exact; afterwards alerts arrive as if nothing had been."""
    with recording(receive_buffer_bytes=1 << 14) as running:
        provoke(MANY // 10)
        until(lambda: running.count(is_udp) + running.lost() == MANY // 10, "the sum")
        lost = running.lost()
        provoke(3)
    assert running.gaps(GapCause.SOCKET_OVERRUN)
    assert (running.count(is_udp), running.lost()) == (MANY // 10 - lost + 3, lost)


def check_summary_mode_counts_exactly() -> None:
    """Fewer than 64 locations: nothing is lost, and only the second before the end is uncertain."""
    with recording(mode="summary") as running:
        provoke(MANY)
        until(lambda: running.count(is_udp) == MANY, "all drops")
    gap, = running.gaps(GapCause.DAEMON_DOWN)
    assert gap.lost is None
    assert running.count(is_udp) == MANY
    assert not running.samples()


def check_packets_without_mac_header() -> None:
    """An nft rule in OUTPUT: packet mode sees nothing and the ledger says so, summary mode sees each."""
    subprocess.run(["nft", "-f", "-"], check=True, text=True, input=(
        "table ip checks { chain output { type filter hook output priority 0; udp dport 9 drop; }; }"))
    try:
        with recording() as packets:
            provoke(1000)
        with recording(mode="summary") as summaries:
            provoke(1000)
            until(lambda: summaries.count(is_nft) == 1000, lambda: f"1000 drops, but {summaries.places()}")
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "checks"], check=True)
    assert packets.count(is_nft) == 0
    assert packets.limits == ("packets without a MAC header",)
    assert summaries.count(is_nft) == 1000


def check_hardware_drops() -> None:
    """Traps of a simulated switch: recorded is what devlink counted, in both modes, beside no software drops."""
    with switch():
        for mode in ("packet", "summary"):
            keys = record_traps(mode)
            assert {key.kind.origin for key in keys} == {"hardware"}
            if mode == "packet":
                key, = filter(is_trapped, keys)
                assert key.kind.trap_group == "l3_drops"
                assert key.interface.name
                assert key.interface.ifindex


def record_traps(mode: str) -> set[DropKey]:
    """Record while the trap reports; devlink counts its packets as well."""
    with recording(mode=mode, software=False, hardware=True) as running:
        before = trapped()
        set_trap("trap")
        until(lambda: trapped() >= before + 20, "reports of the trap")
        set_trap("drop")
        expected = trapped() - before
        provoke(10)
        until(lambda: running.count(is_trapped) >= expected, "all reports")
    assert running.count(is_trapped) == expected
    return {drop.key for drop in running.drops()}


def check_left_on_by_a_crash() -> None:
    """Monitoring that a dead program left on is taken over, and off afterwards."""
    leave_on(ODD)
    assert state() == (ODD, True)
    with recording() as running:
        provoke(1000)
    assert running.events() == ["adopted"]
    assert running.count(is_udp) == 1000
    assert state() == (ODD, False)
    configure(DEFAULT)


def check_another_listener_is_left_alone() -> None:
    """While dwdump runs: its settings stay, both see the drops, and it is not stopped when we end."""
    with dwdump() as other:
        with recording() as running:
            provoke(1000)
        assert other.poll() is None
        assert state()[1]
    assert running.events() == ["shared"]
    assert running.count(is_udp) == 1000
    subprocess.run(["dwdump", "-e"], check=True, capture_output=True)
    configure(DEFAULT)


def check_monitoring_stopped_by_another() -> None:
    """It is noticed, written, and on again."""
    with recording() as running:
        until(lambda: running.has_looked, "the first look")
        stop()
        until(lambda: running.gaps(GapCause.MONITORING_STOPPED), "the gap")
        provoke(1000)
    assert running.count(is_udp) == 1000
    assert running.events() == ["stopped by another program"]
    assert state() == (DEFAULT, False)


def check_settings_changed_by_another() -> None:
    """They are put right, for nobody else listens; a look may come between the other's STOP and START."""
    with recording() as running:
        until(lambda: running.has_looked, "the first look")
        leave_on(ODD)
        until(lambda: running.gaps(GapCause.MODE_CHANGED) or running.gaps(GapCause.MONITORING_STOPPED), "the gap")
        assert state()[0] == NetDmOptions().config("packet")
        provoke(1000)
    assert running.count(is_udp) == 1000
    assert state() == (DEFAULT, False)


def check_storm() -> None:
    """Summary mode while it lasts, packet mode after it; drops in between are counted in either."""
    with recording(storm=StormLimits(alerts=500, calm_s=2, changes_per_hour=3)) as running:
        while "summary mode" not in running.events():
            provoke(1000)
        until(lambda: "packet mode" in running.events(), "the end of the storm")
        before = running.count(is_udp)
        provoke(100)
    print(f"{before} before, {running.count(is_udp)} after 100 more; {running.events()}")
    assert len(running.gaps(GapCause.STORM)) == 2
    assert running.count(is_udp) == before + 100
    assert state() == (DEFAULT, False)


def check_no_rights() -> None:
    """Without capabilities: what is missing and what to do, and nothing is left behind."""
    code = "from checks import unavailable; unavailable('net_dm.conf')"
    subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code],
                   check=True, cwd=Path(__file__).parent)
    assert state() == (DEFAULT, False)


def check_no_module() -> None:
    """The source says what to do, and does not load the module by looking for it."""
    subprocess.run(["rmmod", "drop_monitor"], check=True)
    try:
        unavailable("modprobe drop_monitor")
        assert "drop_monitor" not in Path("/proc/modules").read_text()
    finally:
        subprocess.run(["modprobe", "drop_monitor"], check=True)


def unavailable(remedy: str) -> None:
    """Fail unless the source cannot be opened here, and names this remedy."""
    try:
        NetDmSource().open()
    except UnavailableError as error:
        found = error.remedy
    else:
        found = "the source opened"
    assert remedy in found, found


def is_nft(key: DropKey) -> bool:
    """Say whether this is where a firewall's verdict drops a packet: 6.1 and 6.12 do it in different places."""
    return key.location.symbol in ("nf_hook_slow", "nft_do_chain")


if __name__ == "__main__":
    subprocess.run(["modprobe", "drop_monitor"], check=True)
    configure(DEFAULT)
    for name in sys.argv[1:]:
        globals()[f"check_{name}"]()
        print(f"{name}: passed")
