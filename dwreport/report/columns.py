"""How people see rows: the columns of tables, over the rows that programs get."""

from collections.abc import Callable, Sequence
from typing import cast

from dwreport.report.answer import Column, Moment, Row
from dwreport.text import clean, clock, number, share

# Terminals from this width on show a column.
_SHARE, _FIRST, _CHART = 90, 100, 132
UNKNOWN = "-"


def drop_columns(total: int, times: str, chart_title: str = "") -> Sequence[Column]:
    """Return the columns of drops out of a total; rows with a "chart" have it last."""
    columns = [
        Column("COUNT", lambda row: number(cast("int", row["count"])), right=True),
        Column("SHARE", lambda row: share(cast("int", row["count"]), total), right=True, from_width=_SHARE),
        Column("REASON", reason_cell, wraps=True),
        Column("PROTO", lambda row: text(row["protocol"])),
        Column("WHERE", where_cell, wraps=True),
        Column("INTERFACE", interface_cell, wraps=True),
        Column("FIRST", _time("first", times), from_width=_FIRST),
        Column("LAST", _time("last", times)),
    ]
    if chart_title:
        columns.append(Column(chart_title, lambda row: str(row["chart"]), from_width=_CHART))
    return columns


def window_columns(times: str) -> Sequence[Column]:
    """Return the columns of single windows."""
    return [
        Column("FIRST", _time("first", times)),
        Column("LAST", _time("last", times), from_width=_FIRST),
        Column("COUNT", lambda row: number(cast("int", row["count"])), right=True),
        Column("REASON", reason_cell, wraps=True),
        Column("PROTO", lambda row: text(row["protocol"])),
        Column("WHERE", where_cell, wraps=True),
        Column("INTERFACE", interface_cell, wraps=True),
    ]


def counter_columns() -> Sequence[Column]:
    """Return the columns of counters."""
    return [
        Column("DELTA", lambda row: f"{cast('int', row['delta']):+,}".replace(",", " "), right=True),
        Column("COUNTER", _counter_cell, wraps=True),
        Column("INTERFACE", interface_cell, wraps=True),
        Column("MEANING", lambda row: text(row["meaning"]), wraps=True),
    ]


def text(value: object) -> str:
    """Show a value, harmless, or a dash where there is none."""
    return UNKNOWN if value is None or value == "" else clean(str(value))


def reason_cell(row: Row) -> str:
    """Show the kernel's word for a drop: a trap's name tells more than its reason."""
    return text(row["trap"] if row["origin"] == "hardware" and row["trap"] else row["reason"])


def where_cell(row: Row) -> str:
    """Show the function, its module where it is in one, and the offset where the row says that it tells rows apart."""
    location = cast("dict[str, str | int | None]", row["location"])
    offset = f"+{location['offset']:#x}" if row.get("ambiguous") and location["offset"] is not None else ""
    module = f" [{location['module']}]" if location["module"] else ""
    return clean(f"{location['symbol'] or location['address'] or UNKNOWN}{offset}{module}")


def interface_cell(row: Row) -> str:
    """Show an interface, and its namespace unless that is the initial one."""
    name, index, netns = row["interface"], row.get("ifindex"), row["netns"]
    shown = text(name) if name else f"#{index}" if index else UNKNOWN
    return shown if netns in {None, "init"} else f"{shown} ({text(netns)})"


def _counter_cell(row: Row) -> str:
    labels = cast("dict[str, str]", row["labels"])
    shown = " ".join(f"{name}={value}" for name, value in labels.items())
    return clean(f"{row['collector']} {row['name']} {shown}".rstrip())


def _time(field: str, times: str) -> Callable[[Row], str]:
    return lambda row: clock(cast("Moment", row[field]).ns, times)
