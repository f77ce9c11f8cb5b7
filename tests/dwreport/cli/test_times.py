"""Points in time as journalctl takes them."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwreport.cli.times import NANO, point

NOW_NS = int(datetime(2026, 11, 22, 10, 30, 7, tzinfo=UTC).timestamp()) * NANO + 123_456_789
MINUTE_NS, HOUR_NS, DAY_NS = 60 * NANO, 3600 * NANO, 86_400 * NANO


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = getattr(request, "param", "UTC")
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.parametrize(("text", "offset_ns"), [
    ("now", 0),
    ("1h", -HOUR_NS),
    ("-1h", -HOUR_NS),
    ("+1h", HOUR_NS),
    ("1h ago", -HOUR_NS),
    ("1h left", HOUR_NS),
    ("2h30min ago", -150 * MINUTE_NS),
    ("2h 30 min ago", -150 * MINUTE_NS),
    ("2 hours 30 minutes", -150 * MINUTE_NS),
    ("1.5h", -90 * MINUTE_NS),
    ("10us", -10_000),
    ("10ms", -10_000_000),
    ("90s", -90 * NANO),
    ("2d", -2 * DAY_NS),
    ("1w", -7 * DAY_NS),
    ("1m", -MINUTE_NS),
    ("1M", -2_630_016 * NANO),
    ("1y", -31_557_600 * NANO),
    ("  1h  ", -HOUR_NS),
])
def test_spans_count_from_now(text: str, offset_ns: int) -> None:
    """A span without a sign is that long ago; units are those of systemd.time(7)."""
    assert point(text, NOW_NS) == NOW_NS + offset_ns


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("text", "iso"), [
    ("2026-11-22 10:00", "2026-11-22T10:00:00Z"),
    ("2026-11-22 10:00:05", "2026-11-22T10:00:05Z"),
    ("2026-11-22T10:00:05", "2026-11-22T10:00:05Z"),
    ("2026-11-22", "2026-11-22T00:00:00Z"),
    ("Sun 2026-11-22 10:00:00 UTC", "2026-11-22T10:00:00Z"),
    ("10:00", "2026-11-22T10:00:00Z"),
    ("Sunday, 10:00", "2026-11-22T10:00:00Z"),
    ("9:05:01", "2026-11-22T09:05:01Z"),
    ("today", "2026-11-22T00:00:00Z"),
    ("yesterday", "2026-11-21T00:00:00Z"),
    ("tomorrow", "2026-11-23T00:00:00Z"),
    ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
    ("2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00Z"),
    ("2026-11-22 10:00 -0730", "2026-11-22T17:30:00Z"),
    ("2026-11-22 10:00 Europe/Berlin", "2026-11-22T09:00:00Z"),
])
def test_dates_and_clocks(text: str, iso: str) -> None:
    """Dates, clocks, words, and ISO 8601 with zones."""
    assert point(text, NOW_NS) == int(datetime.fromisoformat(iso).timestamp()) * NANO


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("zone", ["America/New_York"], indirect=True)
def test_times_without_a_zone_are_local() -> None:
    """The zone is the user's, TZ; with the day, for midnight is elsewhere."""
    assert point("2026-11-22 05:00", NOW_NS) == int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()) * NANO
    assert point("today", NOW_NS) == int(datetime(2026, 11, 22, 5, tzinfo=UTC).timestamp()) * NANO


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
def test_days_are_calendar_days() -> None:
    """The day on which summer time ends has 25 hours: yesterday begins at its own midnight."""
    now_ns = int(datetime(2026, 10, 26, 12, tzinfo=UTC).timestamp()) * NANO
    assert point("today", now_ns) - point("yesterday", now_ns) == 25 * HOUR_NS


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
@pytest.mark.parametrize(("text", "iso"), [
    ("2026-10-25 02:30 CEST", "2026-10-25T00:30:00Z"),  # the hour that comes twice
    ("2026-10-25 02:30 CET", "2026-10-25T01:30:00Z"),
    ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
    ("2026-07-01 02:30 CET", "2026-07-01T01:30:00Z"),   # never CEST, whatever the season
    ("2026-12-01 02:30 CEST", "2026-12-01T00:30:00Z"),
    ("2026-12-01 02:30 EDT", "2026-12-01T06:30:00Z"),   # of a zone elsewhere
    ("2026-12-01 02:30 EST", "2026-12-01T07:30:00Z"),
    ("02:30 EDT", "2026-11-22T06:30:00Z"),
    ("Wed 2026-07-01 02:30 CEST", "2026-07-01T00:30:00Z"),
])
def test_abbreviations_are_offsets(text: str, iso: str) -> None:
    """As reports print them: what they show can be asked for."""
    assert point(text, NOW_NS) == int(datetime.fromisoformat(iso).timestamp()) * NANO


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("zone", "iso"), [("Europe/Dublin", "2026-07-01T09:00:00Z"),
                                           ("Asia/Kolkata", "2026-07-01T04:30:00Z")], indirect=["zone"])
def test_an_abbreviation_is_the_local_one_where_there_is_one(iso: str) -> None:
    """IST is another in Dublin than in Kolkata."""
    assert point("2026-07-01 10:00 IST", NOW_NS) == int(datetime.fromisoformat(iso).timestamp()) * NANO


@pytest.mark.parametrize("text", ["Mon 2026-11-22 10:00 UTC", "Monday, 2026-11-22", "Mon 10:00"])
def test_a_wrong_weekday_is_refused(text: str) -> None:
    """It is the date that is wrong, or the day: nobody knows which was meant."""
    with pytest.raises(ValueError, match=r"is not a time; that day is a Sunday$"):
        point(text, NOW_NS)


def test_fractions_are_exact() -> None:
    """Nanoseconds since 1970 do not survive a float."""
    assert point("@1763805600.123456789", NOW_NS) == 1_763_805_600_123_456_789
    assert point("@-1.5", NOW_NS) == -1_500_000_000
    assert point("@0.0000000019", NOW_NS) == 1
    assert point("2026-11-22 10:00:00.25 UTC", NOW_NS) % NANO == 250_000_000


@pytest.mark.parametrize("text", [
    "", " ", "x", "10", "1h2", "h", "ago", "-", "+", "@", "@x", "@1e9", "1 fortnight", "2026-13-01", "2026-02-30",
    "25:00", "10:61", "2026-11-22 10:00 Mars/Olympus", "2026-11-22 10:00 ../../etc/passwd", "9999-12-31",
    "0000-01-01", "1000000y", "99999999999999999999s", "9" * 5000, "١h", "1h\x00", "now now", "Monday",
    "Sunx 2026-11-22",
])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The message shows the text and what could stand there."""
    with pytest.raises(ValueError, match="is not a time; write") as raised:
        point(text, NOW_NS)
    assert text[:80] in str(raised.value)


_TIMES = st.text(alphabet="0123456789hmsdwMy@+-:.TZ agonlefutmorwUC/\u0661\x00", max_size=30) | st.text(max_size=100)


@settings(deadline=None)
@given(_TIMES)
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Nothing else happens, and a time always fits the history's columns."""
    try:
        time_ns = point(text, NOW_NS)
    except ValueError as error:
        assert "is not a time" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert -2**63 <= time_ns < 2**63


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=8000), st.sampled_from(["us", "ms", "s", "min", "h", "d", "w"]))
def test_signs_and_words_agree(count: int, unit: str) -> None:
    """Three ways to say the same."""
    span = f"{count}{unit}"
    assert point(span, NOW_NS) == point(f"-{span}", NOW_NS) == point(f"{span} ago", NOW_NS)
    assert point(f"+{span}", NOW_NS) - NOW_NS == NOW_NS - point(span, NOW_NS)
