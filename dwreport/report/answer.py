"""What a view answers with: plain rows, and how a person would like to see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dropwatchd.history.reader import Run
from dropwatchd.history.scope import Scope
from dwreport.evidence.coverage import Coverage
from dwreport.text import clean

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time in a row. Its text is RFC 3339 in UTC; a table shows local time."""

    ns: int

    def __str__(self) -> str:
        whole = datetime.fromtimestamp(self.ns // NANO, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{whole}.{self.ns % NANO // 1000:06d}Z"


Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """A column for people. `wraps` may be narrowed; it is shown on terminals of at least `from_width` characters."""

    header: str
    cell: Callable[[Row], str]
    right: bool = False
    wraps: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind: all of them for programs, under their key if any; `shown` of them, in columns, for people.

    `below` gives lines that explain a row, each in parts; `fields` are the columns of CSV, if it has the section.
    """

    key: str | None
    rows: Sequence[Row]
    columns: Sequence[Column]
    title: str = ""
    shown: Sequence[Row] | None = None
    notes: Sequence[str] = ()
    fields: Sequence[str] = ()
    below: Callable[[Row], Sequence[tuple[str, ...]]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole report. CSV shows the first section that has fields; `lead` is said before anything else."""

    scope: Scope
    now_ns: int
    runs: Sequence[Run]
    coverage: Coverage
    sections: Sequence[Section]
    lead: Sequence[str] = ()
    extra: Mapping[str, object] = field(default_factory=dict)

    def hosts(self) -> list[str]:
        """Return the names of the hosts that have runs in the window."""
        return list(dict.fromkeys(run.hostname for run in self.runs))

    def columns(self, section: Section) -> list[Column]:
        """Return the columns of a section; of several hosts, each row says whose it is."""
        host = Column("HOST", lambda row: clean(str(row["host"])), wraps=True)
        return [*section.columns, *([host] if len(self.hosts()) > 1 else [])]
