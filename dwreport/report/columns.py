"""How people see rows: the columns of tables, over the rows that programs get."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dwreport.report.answer import Column
from dwreport.report.rows import CounterRow, DropRow, Moment, TotalRow, WindowRow
from dwreport.text import clean, clock, number, share

# Terminals from this width on show a column.
_PROTO, _SHARE, _LAST, _CHART = 72, 90, 100, 132
UNKNOWN = "-"
_NO_NEWS = {("cgroup", "/")}


@dataclass(frozen=True, slots=True)
class ShownDrop:
    """A row of drops as people see it: with a chart, and the offset where the function drops in several places.

    `findings` are the numbers of those that it belongs to.
    """

    row: TotalRow
    chart: str
    ambiguous: bool
    findings: Sequence[int] = ()

    @property
    def host(self) -> str:
        """Return whose drops these are."""
        return self.row.host


class _Placed(Protocol):
    @property
    def interface(self) -> str | None: ...
    @property
    def netns(self) -> str | None: ...


class _Amount(Protocol):
    @property
    def count(self) -> int: ...
    @property
    def at_least(self) -> int: ...
    @property
    def at_most(self) -> int: ...
    @property
    def about(self) -> bool: ...


def about(row: _Amount) -> str:
    """Show a count, with its range where samples alone tell how many there are."""
    return f"about {number(row.count)} ({number(row.at_least)} to {number(row.at_most)})" if row.about else number(
        row.count)


def drop_columns(total: int, times: str, chart_title: str | None) -> Sequence[Column[ShownDrop]]:
    """Return the columns of drops out of a total, with a chart if it has a title."""
    chart: Column[ShownDrop] = Column(chart_title or "", lambda shown: shown.chart, from_width=_CHART)
    return [
        Column("COUNT", lambda shown: about(shown.row), right=True, key=_count),
        Column("SHARE", lambda shown: share(shown.row.count, total), right=True, from_width=_SHARE, key=_count),
        Column("REASON", lambda shown: reason_cell(shown.row), wraps=True),
        Column("PROTO", lambda shown: text(shown.row.protocol), from_width=_PROTO),
        Column("WHERE", lambda shown: where_cell(shown.row, with_offset=shown.ambiguous), wraps=True),
        Column("INTERFACE", lambda shown: interface_cell(shown.row, shown.row.ifindex), wraps=True, firm=True),
        Column("FIRST", lambda shown: moment(shown.row.first, times), key=lambda shown: shown.row.first.ns),
        Column("LAST", lambda shown: moment(shown.row.last, times), from_width=_PROTO,
               key=lambda shown: shown.row.last.ns),
        *([chart] if chart_title else []),
    ]


def _count(shown: ShownDrop) -> float:
    return shown.row.count


def window_columns(times: str) -> Sequence[Column[WindowRow]]:
    """Return the columns of single windows."""
    return [
        Column("FIRST", lambda row: moment(row.first, times)),
        Column("LAST", lambda row: moment(row.last, times), from_width=_LAST),
        Column("COUNT", about, right=True),
        Column("REASON", reason_cell, wraps=True),
        Column("PROTO", lambda row: text(row.protocol)),
        Column("WHERE", where_cell, wraps=True),
        Column("INTERFACE", lambda row: interface_cell(row, row.ifindex), wraps=True, firm=True),
    ]


def counter_columns() -> Sequence[Column[CounterRow]]:
    """Return the columns of counters."""
    return [
        Column("DELTA", lambda row: f"{row.delta:+,}".replace(",", " "), right=True, key=lambda row: row.delta),
        Column("COUNTER", _counter_cell, wraps=True),
        Column("INTERFACE", interface_cell, wraps=True, firm=True),
        Column("MEANING", lambda row: text(row.meaning), wraps=True),
    ]


def text(value: object) -> str:
    """Show a value, harmless, or a dash where there is none."""
    return UNKNOWN if value is None or value == "" else clean(str(value))


def moment(time: Moment | None, times: str) -> str:
    """Show a time, or a dash where there is none."""
    return UNKNOWN if time is None else clock(time.ns, times)


def reason_cell(row: DropRow) -> str:
    """Show the kernel's word for a drop: a trap's name tells more than its reason."""
    return text(row.trap if row.origin == "hardware" and row.trap else row.reason)


def where_cell(row: DropRow, *, with_offset: bool = False) -> str:
    """Show the function, its module where it is in one, and the offset where that tells rows apart."""
    location = row.location
    offset = f"+{location.offset:#x}" if with_offset and location.offset is not None else ""
    module = f" [{location.module}]" if location.module else ""
    return clean(f"{location.symbol or location.address or UNKNOWN}{offset}{module}")


def interface_cell(row: _Placed, index: int | None = None) -> str:
    """Show an interface, and its namespace unless that is the initial one."""
    shown = text(row.interface) if row.interface else f"#{index}" if index else UNKNOWN
    return shown if row.netns in {None, "init"} else f"{shown} ({text(row.netns)})"


def _counter_cell(row: CounterRow) -> str:
    labels = {name: value for name, value in row.labels.items() if (name, value) not in _NO_NEWS}
    if "process" in labels and "pid" in labels:  # as findings name it: no person knows an inode
        labels = {"process": f"{labels['process']}[{labels['pid']}]",
                  **{name: value for name, value in labels.items() if name not in {"process", "pid", "inode"}}}
    shown = " ".join(f"{name}={value}" for name, value in labels.items())
    return clean(f"{row.collector} {row.name} {shown}".rstrip())
