"""Tables for terminals of any width."""

import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.scope import Scope
from dwreport.evidence.coverage import assess
from dwreport.evidence.recorded import Recorded
from dwreport.render import as_table
from dwreport.render.as_table import layout, write
from dwreport.render.page import Page
from dwreport.report.answer import Answer, Column, Section

COLUMNS: list[Column[Any]] = [Column("COUNT", lambda row: str(row["count"]), right=True),
           Column("WHERE", lambda row: str(row["where"]), wraps=True),
           Column("INTERFACE", lambda row: str(row["interface"]), wraps=True),
           Column("LAST", lambda _row: "10:00:00", from_width=100)]


def _lines(rows: list[list[str]], width: int) -> list[str]:
    table = layout(COLUMNS[:3], rows, Page(width))
    return [line for text in (table.header, *table.rows) for line in text.splitlines()]


def test_columns_stand_where_their_headers_do() -> None:
    """Numbers to the right, names to the left, as wide as needed and no wider."""
    assert _lines([["15 012", "udp_queue_rcv_one_skb", "eth0"], ["1", "ip_rcv", "-"]], 80) == [
        " COUNT  WHERE                  INTERFACE",
        "15 012  udp_queue_rcv_one_skb  eth0",
        "     1  ip_rcv                 -",
    ]


def test_long_names_are_broken_at_their_joints() -> None:
    """As function names and addresses are read."""
    assert _lines([["1", "udp_rcv+0x1f", "2001:db8::1:5060"]], 26) == [
        "COUNT  WHERE    INTERFACE",
        "    1  udp_rcv  2001:db8:",
        "       +0x1f    :1:5060",
    ]
    assert _lines([["1", "__netif_receive_skb_core", "eth0"]], 34) == [
        "COUNT  WHERE             INTERFACE",
        "    1  __netif_receive_  eth0",
        "       skb_core",
    ]


def test_an_address_is_the_last_to_be_broken() -> None:
    """It is read as a whole, and copied."""
    columns: list[Column[Any]] = [Column("WHERE", str, wraps=True), Column("FROM", str, wraps=True, firm=True)]
    cells = [["__netif_receive_skb", "[2001:db8:1:2::3]:40000"]]
    assert layout(columns, cells, Page(34)).rows == [
        "__netif_  [2001:db8:1:2::3]:40000\nreceive_\nskb"]
    assert "40000" not in layout(columns, cells, Page(30)).rows[0].splitlines()[0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 99_999), st.text("ab_ [", max_size=60), st.text("xyz@", max_size=20)),
                min_size=1, max_size=5), st.integers(40, 200))
def test_no_line_is_wider_than_the_terminal_and_no_text_is_lost(rows: list[tuple[int, str, str]], width: int) -> None:
    """Whatever the names."""
    lines = _lines([[str(count), where, interface] for count, where, interface in rows], width)
    assert max(map(len, lines)) <= width
    shown = sorted("".join("".join(lines[1:]).split()))
    assert shown == sorted("".join("".join(f"{count}{where}{interface}" for count, where, interface in rows).split()))


def _answer(row: dict[str, Any]) -> Answer:
    section = Section("drops", [], COLUMNS, [row, row], below=lambda _row: [("What it means", "next: look")],
                      tone=lambda row: row["harm"])
    return Answer(Scope(0, 10), 10, [], assess(Recorded([], [], []), (0, 10)), [section])


def _written(page: Page) -> str:
    out = io.StringIO()
    write(_answer({"count": 1, "where": "ip_rcv", "interface": "eth0", "harm": "harmful"}), out, page)
    return out.getvalue()


@pytest.mark.parametrize(("width", "shown"), [(80, False), (120, True), (None, True)])
def test_wide_terminals_show_more_columns(width: int | None, shown: bool) -> None:
    """And what is no terminal has all."""
    assert ("LAST" in _written(Page(width))) is shown


def test_an_explanation_stands_below_its_row() -> None:
    """From the second column on; below the first row alone of those that share it."""
    text = _written(Page(80))
    assert "    1  ip_rcv  eth0\n       What it means · next: look" in text
    assert text.count("What it means") == 1


def test_colour_is_on_what_a_row_begins_with() -> None:
    """Where the page has any; a text without is the same."""
    coloured = _written(Page(80, coloured=True))
    assert "\x1b[31m    1  \x1b[0mip_rcv" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == _written(Page(80))


def test_lines_below_a_row_are_as_many_as_a_screen_has_room_for() -> None:
    """Of more, the last one that is shown says so; they begin where the section says."""
    section = Section("drops", [], COLUMNS[:1], [{"count": 1}], below=lambda _row: [("a" * 30, "b" * 30, "c" * 30)],
                      indent=2, most_lines=2)
    out = io.StringIO()
    write(Answer(Scope(0, 10), 10, [], assess(Recorded([], [], []), (0, 10)), [section]), out, Page(40))
    assert out.getvalue().splitlines()[-2:] == [f"  {'a' * 30}", f"  {'b' * 30} ..."]


@pytest.mark.parametrize("width", [None, 30])
def test_a_long_table_is_laid_out_in_parts_as_one(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its columns begin where the headers do, as wide as the widest of all rows."""
    rows = [{"count": 10 ** (row % 5), "where": f"udp_{'x' * row}", "interface": "eth0 " * (row == 3)}
            for row in range(12)]

    def written(at_once: int) -> list[str]:
        monkeypatch.setattr(as_table, "_AT_ONCE", at_once)
        scope, out = Scope(0, 10**9), io.StringIO()
        answer = Answer(scope, 10**9, [], assess(Recorded([], [], []), (0, 10**9)),
                        [Section("rows", rows, COLUMNS, rows, title="Rows", notes=["a note"])])
        write(answer, out, Page(width))
        return out.getvalue().splitlines()

    whole, parts = written(100), written(5)
    assert [line.split() for line in parts] == [line.split() for line in whole]
    assert width is not None or parts == whole
    assert all(len(line) <= (width or 999) for line in parts[parts.index("Rows"):])
