"""Columns on a page: what gives way is what costs the fewest lines."""

from typing import Any

import pytest

from dwreport.render.page import Page
from dwreport.render.widths import fit
from dwreport.report.answer import Column

COLUMNS: list[Column[Any]] = [Column("REASON", str, wraps=True), Column("WHERE", str, wraps=True)]
LONG = "__netif_receive_skb_core.constprop.0"  # of 36 characters
ROWS = [["NOT_SPECIFIED", "ip_rcv"], ["SOCKET_RCVBUFF", "udp_rcv"], ["UNHANDLED_PROTO", LONG]]


def test_one_long_name_is_broken_before_many_short_ones() -> None:
    """Though the other column has less room for it."""
    assert fit(COLUMNS, ROWS, Page(53)) == [15, 36]
    assert fit(COLUMNS, ROWS, Page(45)) == [15, 28]
    assert fit(COLUMNS, ROWS, Page(30)) == [15, 13]


def test_a_row_of_many_lines_has_room_for_others() -> None:
    """What another column takes lines for already is broken first."""
    rows = [["a b " * 10, "c d " * 4], ["a", "c d " * 4]]
    assert fit(COLUMNS, rows, Page(52)) == [35, 15]


@pytest.mark.parametrize("firm", [0, 1])
def test_a_firm_column_gives_way_last(firm: int) -> None:
    columns: list[Column[Any]] = [Column("A", str, wraps=True, firm=place == firm) for place in range(2)]
    rows = [["x " * 10, "x " * 10]]
    assert fit(columns, rows, Page(32))[firm] == 20
    assert fit(columns, rows, Page(20))[firm] == 10


def test_of_very_many_rows_the_widest_column_gives_way() -> None:
    """To try each width would take too long."""
    assert fit(COLUMNS, ROWS * 40, Page(30)) == [14, 14]
    assert fit(COLUMNS, ROWS * 40, Page(45)) == [15, 28]
