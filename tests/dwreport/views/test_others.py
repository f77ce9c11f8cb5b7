"""The further views."""

import pytest

from dropwatchd.model import NANO
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report

PACKET = bytes.fromhex("0202020202020404040404040800 4500002400010000 4011 0000 c0000201 c6336402 9c40 13c4 0010 0000")


def test_drops_shows_each_window(history: History, report: Report) -> None:
    """In the order of time."""
    run = history.run()
    history.drop(run, START_NS + 7 * NANO, 4)
    history.drop(run, START_NS + 5 * NANO, 3)
    rows = report.json("drops")["drops"]
    assert [(row["window_start"], row["window_seconds"], row["count"]) for row in rows] == [
        ("2025-11-22T10:00:05.000000Z", 1.0, 3), ("2025-11-22T10:00:07.000000Z", 1.0, 4)]
    assert "10:00:05" in report("drops")


def test_counters_shows_ordinary_ones_too(history: History, report: Report) -> None:
    """All that moved."""
    run = history.run()
    assert "No counter" not in report("counters")  # nobody looked
    history.visited(run, START_NS, START_NS + HOUR_NS)
    assert "No counter is recorded to have moved." in report("counters")
    history.counter(run, "IpInReceives", 99)
    assert "IpInReceives" in report("counters")
    assert [row["delta"] for row in report.json("counters")["counters"]] == [99]


def test_what_reaches_over_several_steps_is_in_all_of_them(history: History, report: Report) -> None:
    """Such as rows that were folded, in a time line of minutes: not all of it in its first step."""
    history.drop(history.run(), START_NS, 3002, first_ns=START_NS, last_ns=START_NS + 3000 * NANO,
                 window_width_ns=3600 * NANO)
    counts = [row["count"] for row in report.json("timeline")["timeline"]]
    assert (sum(filter(None, counts)), counts[0], counts[25], counts[50]) == (3002, 61, 60, 1)
    assert "3 002 drops are on record in rows that are longer than a step: apportioned by time." in report("timeline")
    assert "apportioned" not in report("timeline", "--since", "2025-11-22 09:00", "--until", "2025-11-24 10:00")


def test_timeline_tells_none_from_unknown(history: History, report: Report) -> None:
    """A minute without drops is 0 where it was watched, and null where it was not."""
    history.drop(history.run(until_ns=START_NS + HOUR_NS // 2), START_NS + 90 * NANO, 4)
    rows = report.json("timeline")["timeline"]
    assert len(rows) == 60
    assert [row["count"] for row in rows[:3]] == [0, 4, 0]
    assert rows[1]["top_reason"] == "SOCKET_RCVBUFF"
    assert {(row["count"], row["coverage"]) for row in rows[30:]} == {(None, "blind")}
    assert "unknown" in report("timeline")


def test_timeline_knows_no_time_of_what_was_counted_alone(history: History, report: Report) -> None:
    """Where drops may have been is no zero; where none was counted, it is."""
    run, minute_ns = history.run(), 60 * NANO
    for since, count in ((1, 4), (20, 0)):
        since_ns, until_ns = START_NS + since * minute_ns, START_NS + (since + 4) * minute_ns
        history.gap(run, since_ns, until_ns, cause="daemon down", effect="detail", scope="software", lost=0)
        if count:
            history.drop(run, since_ns, count, last_ns=until_ns - minute_ns - 1)
    rows = report.json("timeline")["timeline"]
    assert [row["count"] for row in rows[:6]] == [0, 4, None, None, 0, 0]
    assert {row["count"] for row in rows[20:]} == {0}
    assert {row["coverage"] for row in rows} == {"complete"}
    assert report("timeline").count("unknown") == 2


def test_timeline_shows_what_else_happened(history: History, report: Report) -> None:
    """Links, and what the daemon was told; with an interface or a namespace, its own alone."""
    run = history.run()
    history.event(run, START_NS - NANO, "link down", "eth9")
    history.event(run, START_NS + 90 * NANO, "link down", "eth0", detail="carrier")
    history.event(run, START_NS + 95 * NANO, "reload", "configuration")
    rows = report.json("timeline")["events"]
    assert [(row["time"], row["event"], row["subject"], row["detail"]) for row in rows] == [
        ("2025-11-22T10:01:30.000000Z", "link down", "eth0", "carrier"),
        ("2025-11-22T10:01:35.000000Z", "reload", "configuration", None)]
    assert [row["subject"] for row in report.json("timeline", "--interface", "eth0")["events"]] == ["eth0"]
    history.event(run, START_NS + 99 * NANO, "link up", "eth0", netns=7)
    history.drop(run, START_NS + 99 * NANO, netns=7, netns_name="blue")
    for netns in ("blue", "7", "net:[7]"):
        assert [row["event"] for row in report.json("timeline", "--netns", netns)["events"]] == ["link up"]
    assert "10:01:30  link down  eth0           carrier" in report("timeline")


def test_the_sum_of_the_timeline_is_the_count_of_the_report(history: History, report: Report) -> None:
    """However the steps fall."""
    run = history.run()
    for second in range(0, 3600, 97):
        history.drop(run, START_NS + second * NANO, second + 1)
    total = sum(row["count"] for row in report.json("timeline")["timeline"])
    assert total == sum(row["count"] for row in report.json()["drops"])


def test_coverage_lists_the_gaps(history: History, report: Report) -> None:
    """With what each cost; none is said so."""
    run = history.run()
    assert "Nothing was missed of what was watched." in report("coverage")
    history.watch(run, "counters", "unseen", START_NS, START_NS + HOUR_NS)
    assert "Nothing was missed.\n" in report("coverage")
    history.gap(run, START_NS + NANO, START_NS + 2 * NANO, cause="kernel queue overflow", effect="partial", lost=1234)
    text = report("coverage")
    assert "1 234" in text
    assert "some drops were missed" in text
    assert report.csv("coverage")[0]["lost"] == "1234"


def test_coverage_lists_what_cannot_be_seen(history: History, report: Report) -> None:
    """Each thing that was there at any time in the window, with what would show it; where nobody looked, that."""
    run = history.run()
    assert "not on record" in report("coverage")
    assert report.json("coverage")["unseen"] == []
    history.watch(run, "counters", "unseen", START_NS, START_NS + HOUR_NS)

    def level(name: str, moved: int, at_ns: int, **values: object) -> None:
        history.counter(run, name, moved, at_ns, collector="unseen", gauge=True, **values)

    capture = {"inode": "77", "pid": "901", "process": "suricata"}
    level("capture", 1, START_NS + 10 * NANO, labels=capture)
    level("capture", -1, START_NS + 20 * NANO, labels=capture)
    level("offload", 1, START_NS + 10 * NANO, interface="eth0", ifindex=2, labels={"driver": "mlx5_core"})
    level("driver", 1, START_NS - 99 * NANO, interface="eth1", ifindex=3)
    level("driver", -1, START_NS - 9 * NANO, interface="eth1", ifindex=3)
    rows = report.json("coverage")["unseen"]
    assert [(row["what"], row["interface"], row["netns"], row["shown_by"]) for row in rows] == [
        ("A packet capture whose losses cannot be read", None, "init", "ss -0pe"),
        ("Flows that the hardware may handle by itself", "eth0", "init", "tc -s filter show dev eth0 ingress")]
    assert rows[0]["details"] == capture
    assert "eth0" in " ".join(rows[1]["look"])
    text = report("coverage")
    assert "What this host has that is not seen" in text
    assert "suricata[901]" in text
    assert "eth0 driver=mlx5_core" in text
    assert "eth1" not in text
    assert "not on record" not in text


def test_packets_shows_who_sent_what_to_whom(history: History, report: Report) -> None:
    """Addresses and ports of the sample, and for how many it stands."""
    run = history.run()
    assert "No packet was sampled." in report("packets")
    history.drop(run, START_NS + NANO)
    history.packet(run, START_NS + NANO, PACKET, weight=20)
    [row] = report.json("packets")["packets"]
    assert (row["source"], row["source_port"], row["destination"], row["destination_port"], row["transport"]) == (
        "192.0.2.1", 40000, "198.51.100.2", 5060, "udp")
    assert (row["weight"], row["data"]) == (20, PACKET.hex())
    assert "192.0.2.1:40000" in report("packets")
    assert report.json("packets", "--interface", "!eth0")["packets"] == []


def test_packets_name_the_queue_that_dropped_them(history: History, report: Report) -> None:
    """Since Linux 7.1 it tells of itself; the reason is explained under the name that it had before."""
    run = history.run()
    history.drop(run, START_NS + NANO, reason="QDISC_DROP_FLOOD_PROTECTION", symbol="__tcf_kfree_skb_list")
    history.packet(run, START_NS + NANO, PACKET, details='{"queue": "cake 8001:"}')
    history.packet(run, START_NS + 2 * NANO, PACKET)
    assert [row["queue"] for row in report.json("packets")["packets"]] == ["cake 8001:", None]
    assert "PROTECTION (cake 8001:)" in report("packets")
    [row] = report.json("drops", "--reason", "QDISC_DROP_FLOOD_PROTECTION")["drops"]
    assert row["cause"] == "CAKE dropped a packet of a flow that does not slow down"


def test_a_counter_means_what_its_device_is(history: History, report: Report) -> None:
    """Collisions of a tunnel are routes into itself."""
    run = history.run()
    history.counter(run, "collisions", 7, collector="link", interface="tun0", ifindex=9)
    [plain] = report.json("counters")["counters"]
    history.drop(run, START_NS + NANO, name="tun0", ifindex=9)
    history.execute("UPDATE interfaces SET kind = 'vxlan'")
    [tunnel] = report.json("counters")["counters"]
    assert plain["meaning"] != tunnel["meaning"]


@pytest.mark.parametrize(("words", "told"), [
    (("counters",), "Nobody read counters in this window: whether they moved is unknown."),
    (("packets",), "Nobody sampled packets in this window"),
    (("drops", "--origin", "hardware"), "Nothing watched for drops by hardware in this window"),
])
def test_what_was_not_watched_is_told_of_what_was_asked(
        history: History, report: Report, words: tuple[str, ...], told: str) -> None:
    """Somebody watched for drops all the time; that is another matter."""
    history.watch(history.run(source="none"), "software", "bpf", START_NS, START_NS + HOUR_NS)
    text = report(*words)
    assert told in text
    assert "Nothing watched for drops in this window" not in text
    assert "coverage complete" in report("drops")


@pytest.mark.parametrize("view", ["drops", "packets", "counters", "timeline"])
def test_what_has_expired_was_watched_once(history: History, report: Report, view: str) -> None:
    """That it is not on record any more is not that nobody watched."""
    run = history.run(START_NS - 90 * HOUR_NS, START_NS + 90 * HOUR_NS, source="none")
    history.gap(run, START_NS - HOUR_NS, START_NS + 2 * HOUR_NS, cause="expired", effect="blind", scope="drops")
    text = report(view)
    assert "The record of this time has expired" in text
    assert "Nobody" not in text
    assert "Nothing watched" not in text
