"""Drops added up by what they have in common, in the order and number that is wanted."""

import struct
import time
from socket import inet_aton

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report


def _datagram(port: int, source: str) -> bytes:
    return struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, inet_aton(source), inet_aton("198.51.100.2"),
                       40000, port, 8, 0)


@pytest.fixture
def mixed(history: History) -> History:
    """One hundred packets of which ten were sampled, three of which none was, two benign ones, and one unknown."""
    run = history.run()
    history.drop(run, START_NS + NANO, 100)
    for place in range(10):
        history.packet(run, START_NS + NANO, _datagram(53 if place < 3 else 5060, "192.0.2.1"), weight=10,
                       link_header=False)
    history.drop(run, START_NS + 1800 * NANO, 3, reason="NO_SOCKET", name="eth1", netns=7, netns_name="blue")
    history.drop(run, START_NS + 1801 * NANO, 2, reason="UNHANDLED_PROTO", name="eth1")
    history.drop(run, START_NS + 1802 * NANO, 1, reason="WHATEVER", symbol="odd_function")
    return history


@pytest.mark.parametrize(("by", "groups"), [
    ("interface", [("eth0", 101), ("eth1", 5)]),
    ("reason", [("SOCKET_RCVBUFF", 100), ("NO_SOCKET", 3), ("UNHANDLED_PROTO", 2), ("WHATEVER", 1)]),
    ("netns", [("init", 103), ("blue", 3)]),
    ("severity", [("harmful", 100), ("suspect", 3), ("benign", 2), (None, 1)]),
    ("host", [("web-3", 106)]),
    ("day", [("2025-11-22", 106)]),
    ("hour", [("2025-11-22 10:00 UTC", 106)]),
])
@pytest.mark.usefixtures("mixed")
def test_what_is_counted_is_exact(report: Report, by: str, groups: list[tuple[str, int]]) -> None:
    """In each format and from each view; the sum is that of the report."""
    for view in ((), ("drops",)):
        rows = report.json(*view, "--by", by)["groups"]
        assert [(row[by], row["count"]) for row in rows] == groups
        assert all(row["at_least"] == row["count"] == row["at_most"] and not row["about"] for row in rows)
    assert [(row[by] or None, int(row["count"])) for row in report.csv("--by", by)] == groups
    assert "about" not in report("--by", by)


@pytest.mark.parametrize("by", ["reason", "hour"])
def test_what_reaches_beyond_the_window_has_the_range_of_the_report(history: History, report: Report, by: str) -> None:
    """Nothing says that apportioned drops were counted in it, whatever they are added up by."""
    run = history.run()
    history.drop(run, START_NS + NANO, 100, last_ns=START_NS + 11 * NANO)
    window = "--since", "2025-11-22 10:00:06"
    [whole] = report.json(*window)["drops"]
    [row] = report.json("--by", by, *window)["groups"]
    assert [row[name] for name in ("at_least", "count", "at_most")] == [1, 50, 99]
    assert [whole[name] for name in ("at_least", "count", "at_most")] == [1, 50, 99]
    assert "50 (1 to 99)" in report("--by", by, *window)


@pytest.mark.usefixtures("mixed")
def test_what_was_sampled_is_about_so_many(report: Report) -> None:
    """With its range, and what was not sampled apart; the sum is that of the report all the same."""
    rows = {row["port"]: row for row in report.json("--by", "port")["groups"]}
    assert {port: row["count"] for port, row in rows.items()} == {"udp/5060": 70, "udp/53": 30, None: 6}
    assert (rows["udp/53"]["at_least"], rows["udp/53"]["at_most"], rows["udp/53"]["about"]) == (10, 61, True)
    assert (rows[None]["at_least"], rows[None]["about"]) == (6, False)
    assert "about 70 (39 to 90)" in report("--by", "port")
    sender = next(row for row in report.json("--by", "address")["groups"] if row["address"])
    assert (sender["count"], sender["at_least"], sender["at_most"]) == (100, 71, 100)  # of ten alike
    assert [row["count"] for row in report.json("--by", "port,reason")["groups"]] == [70, 30, 3, 2, 1]


def test_parts_add_up_to_the_whole(history: History, report: Report) -> None:
    """Though none of them is a whole number."""
    run = history.run()
    history.drop(run, START_NS + NANO, 100)
    for place in range(9):
        history.packet(run, START_NS + NANO, _datagram(place % 3, "192.0.2.1"), weight=10, link_header=False)
    assert [row["count"] for row in report.json("--by", "port")["groups"]] == [34, 33, 33]


def test_what_was_sampled_as_a_whole_is_exact(history: History, report: Report) -> None:
    run = history.run()
    history.drop(run, START_NS + NANO, 3)
    for port in (53, 53, 5060):
        history.packet(run, START_NS + NANO, _datagram(port, "192.0.2.1"), link_header=False)
    assert [(row["port"], row["count"], row["about"]) for row in report.json("--by", "port")["groups"]] == [
        ("udp/53", 2, False), ("udp/5060", 1, False)]


@pytest.mark.parametrize("ports", [False, True])
def test_the_first_and_last_of_an_hour_are_in_it(history: History, report: Report, *, ports: bool) -> None:
    """Not those of its reason in the whole window."""
    run = history.run(START_NS, START_NS + 3 * HOUR_NS)
    for second in (60, 120, 3600 + 60, 2 * 3600 + 1, 2 * 3600 + 60):
        history.drop(run, START_NS + second * NANO, 1)
        if ports:
            history.packet(run, START_NS + second * NANO, _datagram(53, "192.0.2.1"), link_header=False)
    until = f"@{START_NS // NANO + 3 * 3600}"
    found = report.json("--until", until, "--by", "hour,port" if ports else "hour")["groups"]
    assert [(row["count"], row["first"][11:19], row["last"][11:19]) for row in found] == [
        (2, "10:01:00", "10:02:00"), (1, "11:01:00", "11:01:00"), (2, "12:00:01", "12:01:00")]


def test_the_first_and_last_of_a_port_are_its_own(history: History, report: Report) -> None:
    """As far as it was sampled; not those of all packets that were dropped for the same reason."""
    run = history.run()
    for second, port in ((1, 53), (2, 5060), (3, 53), (4, 53)):
        history.drop(run, START_NS + second * NANO)
        history.packet(run, START_NS + second * NANO, _datagram(port, "192.0.2.1"), link_header=False)
    found = report.json("--by", "port")["groups"]
    assert [(row["port"], row["first"][17:19], row["last"][17:19]) for row in found] == [
        ("udp/53", "01", "04"), ("udp/5060", "02", "02")]


def test_hours_are_local_ones(history: History, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the clock is half an hour off; what was sampled in an hour tells of that hour."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    run = history.run()
    for minute, port in ((10, 53), (50, 5060)):  # 15:40 and 16:20
        history.drop(run, START_NS + minute * 60 * NANO, 8)
        history.packet(run, START_NS + minute * 60 * NANO, _datagram(port, "192.0.2.1"), weight=8, link_header=False)
    assert [(row["hour"], row["port"], row["count"]) for row in report.json("--by", "hour,port")["groups"]] == [
        ("2025-11-22 15:00 IST", "udp/53", 8), ("2025-11-22 16:00 IST", "udp/5060", 8)]


@pytest.mark.parametrize(("zone", "begins", "hours"), [
    ("UTC", START_NS, {"10:00": (110, 110, 110)}),
    ("Asia/Kolkata", START_NS, {"15:00": (56, 7, 105), "16:00": (54, 5, 103)}),  # 10:30 is 16:00
    ("Asia/Kathmandu", START_NS, {"15:00": (26, 7, 105), "16:00": (84, 5, 103)}),  # 10:15 is 16:00
    ("Australia/Lord_Howe", 1_759_590_000 * NANO, {"01:00": (56, 7, 105), "02:00": (54, 5, 103)}),  # of half an hour
])
def test_what_reaches_over_the_end_of_a_local_hour_is_apportioned(  # noqa: PLR0917
        history: History, report: Report, monkeypatch: pytest.MonkeyPatch, zone: str, begins: int,
        hours: dict[str, tuple[int, int, int]]) -> None:
    """With its range; what is on record second by second is where it was, and all of it adds up."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    run = history.run(begins, begins + 2 * HOUR_NS)
    history.drop(run, begins, 100, first_ns=begins + 300 * NANO, last_ns=begins + 3300 * NANO,
                 window_width_ns=HOUR_NS)
    history.drop(run, begins + 10 * NANO, 6)
    history.drop(run, begins + 3500 * NANO, 4)
    window = "--since", f"@{begins // NANO}", "--until", f"@{begins // NANO + 7200}"
    rows = report.json("--by", "hour", *window)["groups"]
    assert {row["hour"][11:16]: (row["count"], row["at_least"], row["at_most"]) for row in rows} == hours
    assert sum(row["count"] for row in rows) == 110
    [day] = report.json("--by", "day", *window)["groups"]
    assert (day["count"], day["at_least"], day["at_most"]) == (110, 110, 110)
    assert (day["first"], day["last"]) == (rows[0]["first"], rows[-1]["last"])


def test_hours_are_half_an_hour_off_where_clocks_were_set_by_that(
        history: History, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Lord Howe Island, at 2:00, to 2:30; and back, to 1:30: hours stand in the order in which they were."""
    monkeypatch.setenv("TZ", "Australia/Lord_Howe")
    time.tzset()
    for set_s, hours in ((1_759_591_800, ["01:00 +1030", "02:00 +11", "03:00 +11"]),
                         (1_775_314_800, ["01:00 +11", "01:00 +1030", "02:00 +1030"])):
        run = history.run((set_s - 7200) * NANO, (set_s + 7200) * NANO)
        for minutes in (-10, 10, 40):
            history.drop(run, (set_s + minutes * 60) * NANO, 100 + minutes)
        rows = report.json("--by", "hour", "--since", f"@{set_s - 3600}", "--until", f"@{set_s + 3600}")["groups"]
        assert [(row["hour"][11:], row["count"]) for row in rows] == [*zip(hours, (90, 110, 140), strict=True)]


@pytest.mark.parametrize(("words", "what"), [
    (("--by", "colour"), "there is no --by colour; there are reason, interface,"),
    (("--by", "hour,day"), "--by takes one step of time; leave out hour, or day"),
    (("drops", "--sort", "colour"), "these rows have no --sort colour; they have window_start,"),
    (("--reverse",), "the report has no one order of rows"),
])
def test_what_cannot_be_is_wrong_usage(
        mixed: History, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], what: str) -> None:
    until = (START_NS + HOUR_NS) // NANO
    assert dwreport(["--database", str(mixed.path), "--since", f"@{START_NS // NANO}", "--until", f"@{until}",
                     *words]) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(("words", "counts", "told"), [
    (("--last", "2"), [2, 1], "2 of 4 rows"),
    (("--top", "1"), [100], "1 of 4 rows"),
    (("--reverse",), [1, 2, 3, 100], ""),
    (("--sort", "count", "--reverse", "--top", "2"), [1, 2], "2 of 4 rows"),
    (("--sort", "reason", "--top", "1"), [3], "1 of 4 rows"),
])
@pytest.mark.usefixtures("mixed")
def test_rows_are_in_the_order_and_number_that_is_wanted(
        report: Report, words: tuple[str, ...], counts: list[int], told: str) -> None:
    """What is left out is told, to programs too."""
    answer = report.json("drops", *words)
    assert [row["count"] for row in answer["drops"]] == counts
    assert answer["rows_left_out"] == 4 - len(counts)
    assert [int(row["count"]) for row in report.csv("drops", *words)] == counts
    assert told in report("drops", *words)


@pytest.mark.parametrize(("words", "counts"), [
    (("--no-benign",), [100, 3, 1]), (("--severity", "harmful", "--severity", "suspect"), [100, 3]),
    (("--severity", "unknown"), [1]), (("--severity", "benign"), [2]),
])
@pytest.mark.usefixtures("mixed")
def test_severities_are_asked_for_in_every_view(report: Report, words: tuple[str, ...], counts: list[int]) -> None:
    """What the catalogue does not know is no benign drop."""
    answer = report.json(*words)
    assert [row["count"] for row in answer["drops"]] == counts
    assert [row["count"] for row in answer["findings"]] == counts
    assert [row["count"] for row in report.json("drops", *words)["drops"]] == counts
    assert sum(row["count"] or 0 for row in report.json("timeline", *words)["timeline"]) == sum(counts)
    assert sum(row["count"] for row in report.json("--by", "host", *words)["groups"]) == sum(counts)
    assert len(report.json("packets", *words)["packets"]) == (10 if 100 in counts else 0)


def test_no_drop_of_a_severity_is_not_no_drop(history: History, report: Report) -> None:
    """Never "none was dropped" where some were."""
    history.drop(history.run(), START_NS + NANO, 9)
    for view in ((), ("drops",)):
        text = report(*view, "--severity", "suspect")
        assert "None of 9 drops is of the severity that is asked for." in text
        assert "No packet" not in text
