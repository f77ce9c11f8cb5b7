"""What a view answers with: rows of one type, and how a person would like to see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from dropwatchd.history.read.reader import Run
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.read.stops import Stop
from dwreport.evidence.coverage import Coverage
from dwreport.text import clean

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column for people. `wraps` may be narrowed, a `firm` one after all others: an address is read as a whole.

    It is shown on terminals of at least `from_width` characters. `key` is what rows are sorted by, None for what is
    not known, where that is not the text.
    """

    header: str
    cell: Callable[[Row], str]
    right: bool = False
    wraps: bool = False
    from_width: int = 0
    firm: bool = False
    key: Callable[[Row], float | None] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be copied, and what stands before it."""

    lead: str
    text: str


Line = tuple[str, ...] | Command


def line_text(line: Line) -> str:
    """Return a line, whatever is made of it, in one."""
    return f"{line.lead}{line.text}" if isinstance(line, Command) else " · ".join(line)


@dataclass(frozen=True, slots=True)
class Section(Generic[Row]):
    """Rows of one kind: all of them for programs, under their key if any; `shown` of them, in columns, for people.

    `below` gives lines that explain a row, each in parts, from `indent` on, or from the second column; of one in parts
    that takes more lines of a terminal, `most_lines` are shown, and fewer where all of the section then fits on it.
    What is the same as below another row is said once, unless it `repeats`. `tone` is the colour of what stands in the
    first column. `record` is the dataclass of rows that CSV is made of, if it has the section.
    """

    key: str | None
    rows: Sequence[object]
    columns: Sequence[Column[Row]]
    shown: Sequence[Row]
    title: str = ""
    notes: Sequence[str] = ()
    record: type | None = None
    below: Callable[[Row], Sequence[Line]] | None = None
    tone: Callable[[Row], str | None] = lambda _row: None
    indent: int | None = None
    most_lines: int | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole report. CSV shows the first section that has a record; `lead` is said before anything else.

    `stops` says when hosts were last recorded, where no run reaches the window; `beside`, what must be known before
    the figures are read, where these are not of one window alone; `filters`, what it is narrowed to, as it was asked.
    """

    scope: Scope
    now_ns: int
    runs: Sequence[Run]
    coverage: Coverage
    sections: Sequence[Section[Any]]
    lead: Sequence[str] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    stops: Sequence[Stop] = ()
    beside: Sequence[str] = ()
    filters: Sequence[str] = ()

    def hosts(self) -> list[str]:
        """Return the names of the hosts that have runs in the window."""
        return list(dict.fromkeys([*(run.hostname for run in self.runs), *(stop.host for stop in self.stops)]))

    def columns(self, section: Section[Any]) -> list[Column[Any]]:
        """Return the columns of a section; of several hosts, each row says whose it is."""
        host: Column[Any] = Column("HOST", lambda row: clean(str(row.host or "-")), wraps=True)
        told = len(self.hosts()) > 1 and any(hasattr(row, "host") for row in section.shown)  # a time line adds hosts up
        has_told = any(column.header == host.header for column in section.columns)
        return [*section.columns, *([host] if told and not has_told else [])]
