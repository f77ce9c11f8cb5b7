"""Text for people."""

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwreport import text
from dwreport.text import NANO, clean, quoted

TEN = 1_795_341_600 * NANO  # 2026-11-22 10:00:00 UTC


@pytest.mark.parametrize(("hostile", "shown"), [
    ("eth0", "eth0"),
    ("ev\x1b[31mil", "ev\\x1b[31mil"),
    ("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
    ("\x9b31m", "\\x9b31m"),
    ("abc\u202edef", "abc\\u202edef"),
    ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("\udcff", "\\udcff"),
    ("\U000e0041", "\\U000e0041"),
    ("\x7f", "\\x7f"),
    ("größe-接口", "größe-接口"),
])
def test_names_are_made_harmless(hostile: str, shown: str) -> None:
    """Escapes, line ends, bidirectional and invisible characters become visible; other scripts stay."""
    assert text.clean(hostile) == shown


@settings(deadline=None)
@given(st.text(st.characters()))
def test_no_text_stays_unprintable(hostile: str) -> None:
    """Whatever it is."""
    assert text.clean(hostile).isprintable()


def test_numbers_are_grouped() -> None:
    """By threes."""
    assert [text.number(value) for value in (0, 999, 15012, 1234567)] == ["0", "999", "15 012", "1 234 567"]
    assert [text.counted(value, "drop") for value in (0, 1, 2)] == ["0 drops", "1 drop", "2 drops"]


@pytest.mark.parametrize(("part", "whole", "shown"), [
    (0, 10, "0 %"), (1, 1000, "<1 %"), (15_012, 15_824, "94 %"), (999_999, 1_000_000, "99 %"), (10, 10, "100 %"),
    (0, 0, "0 %"),
])
def test_shares_are_rounded_down(part: int, whole: int, shown: str) -> None:
    """Nothing but all is 100 %, nothing but none is 0 %."""
    assert text.share(part, whole) == shown


@pytest.mark.parametrize(("value", "shown"), [
    (1, "100 %"), (0.999999, "99.99 %"), (0.9997, "99.97 %"), (0.5, "50.00 %"), (0.000001, "<0.01 %"), (0, "0 %"),
])
def test_coverage_is_rounded_down(value: float, shown: str) -> None:
    """A second missed in a week is not 100 %."""
    assert text.fraction(value) == shown


@pytest.mark.parametrize(("span_ns", "shown"), [
    (0, "0 ns"), (55, "55 ns"), (90_500, "90.5 us"), (1_500_000, "1.5 ms"), (1_100_000_000, "1.1 s"),
    (250 * NANO, "4 min 10 s"), (3600 * NANO, "1 h"),
    (7380 * NANO, "2 h 3 min"), (100 * 3600 * NANO, "4 d 4 h"),
])
def test_durations_have_the_unit_that_fits(span_ns: int, shown: str) -> None:
    """Two units at most."""
    assert text.duration(span_ns) == shown


def test_charts_show_everything_that_is_not_zero() -> None:
    """One drop beside a million is a small block, and no drop is none."""
    assert text.sparkline([0, 1, 500_000, 1_000_000]) == " ▁▄█"
    assert text.sparkline([0, 0]) == "  "
    assert [text.bar(count, 1000, 10) for count in (0, 1, 500, 1000)] == ["", "█", "█████", "██████████"]


@pytest.mark.usefixtures("utc")
def test_times_are_as_short_as_the_window_allows() -> None:
    """Within a day the clock alone, beyond it the date, beyond a year all of it."""
    hour, day = 3600 * NANO, 86_400 * NANO
    assert text.clock(TEN, text.time_format(TEN, TEN + hour)) == "10:00:00"
    assert text.clock(TEN, text.time_format(TEN - day, TEN)) == "11-22 10:00:00"
    assert text.clock(TEN, text.time_format(TEN - 400 * day, TEN)) == "2026-11-22 10:00"
    assert text.window(TEN, TEN + hour) == "2026-11-22 10:00:00-11:00:00 UTC"
    assert text.window(TEN - day, TEN) == "2026-11-21 10:00:00 - 2026-11-22 10:00:00 UTC"
    assert text.axis(TEN, TEN + hour, 20) == "10:00          11:00"


@pytest.mark.parametrize(("seconds", "pattern", "shown"), [
    (60, "%H:%M:%S", "10:00:00-10:01:00"), (0, "%H:%M:%S", "10:00:00"),
    (60, "%Y-%m-%d %H:%M", "2026-11-22 10:00-10:01"),
    (86_400, "%m-%d %H:%M:%S", "11-22 10:00:00 - 11-23 10:00:00"), (60, "%H:%M:%S %Z", "10:00:00 UTC-10:01:00 UTC"),
])
@pytest.mark.usefixtures("utc")
def test_two_times_are_told_apart(seconds: int, pattern: str, shown: str) -> None:
    """The day once, where it is one; with room around what joins two days."""
    assert text.between(TEN, TEN + seconds * NANO, pattern) == shown


@pytest.mark.parametrize(("seconds", "width", "shown"), [
    (3600, 11, "10:00 11:00"), (4, 24, "10:00:00        10:00:04"), (4, 12, "10:00  10:00"), (3600, 10, ""), (0, 1, ""),
    (86_400 * 2, 12, "11-22  11-24"), (86_400 * 365, 24, "2026-11-22    2027-11-22"),
    (86_400 * 365, 20, "2026-11      2027-11"), (86_400 * 365, 12, "2026    2027"), (86_400 * 40, 12, "11-22  01-01"),
    (86_400 * 731, 24, "2026-11-22    2028-11-22"),
])
@pytest.mark.usefixtures("utc")
def test_the_ends_of_a_chart_differ(seconds: int, width: int, shown: str) -> None:
    """A year does not end on the day on which it began, nor four seconds in the minute, where there is room."""
    assert text.axis(TEN, TEN + seconds * NANO, width) == shown


def test_an_hour_that_comes_twice_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this night the clock goes from 03:00 back to 02:00: both ends have their offset, each time its zone."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    change = 1_792_890_000 * NANO  # 2026-10-25 01:00 UTC
    half, hour = 1800 * NANO, 3600 * NANO
    assert text.window(change - hour, change + hour) == (
        "2026-10-25 02:00:00 CEST (+02:00) - 03:00:00 CET (+01:00)")
    times = text.time_format(change - hour, change + hour)
    assert [text.clock(change + offset, times) for offset in (-half, half)] == ["02:30:00 CEST", "02:30:00 CET"]
    assert text.clock(change + hour, text.time_format(change + hour, change + 2 * hour)) == "03:00:00"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["eth0", "a b;$(id)", "it's", "at\nnew", "a\x1b[31m'", "b\\c\n'", "\u202eRTL"])
def test_a_word_of_a_command_names_what_is_meant_as_it_is_shown(name: str) -> None:
    """Bash reads it, though what is not printable is written with escapes."""
    shown = quoted(name)
    assert shown == clean(shown)
    read = subprocess.run(["/bin/bash", "-c", f"printf %s {shown}"], capture_output=True, check=True,
                          env={"LC_ALL": "C.UTF-8"})
    assert read.stdout.decode() == name


def test_a_name_that_is_not_utf_8_is_quoted_as_it_is_stored() -> None:
    """With its bytes as escapes."""
    assert quoted("Ax\\xff") == "$'Ax\\xff'"
