"""What the hosts of a report have in which packets are lost unseen, and what would show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropwatchd.history.read.levels import looked, unseen
from dropwatchd.history.read.reader import Reader
from dwreport import causes
from dwreport.report.answer import Column, Section
from dwreport.report.columns import text
from dwreport.text import named_netns

COLLECTOR = "unseen"
_NOT_LOOKED = "Whether there are things in which packets are lost unseen is not on record (the collector unseen)."
_IDENTITY = ("inode",)  # tells alike apart, and nothing to a person


@dataclass(frozen=True, slots=True)
class UnseenThing:
    """A thing that was there at some time in the window, with the command that shows what it loses."""

    what: str
    meaning: str | None
    interface: str | None
    netns: str | None
    details: dict[str, str]
    shown_by: str | None
    look: list[str]
    host: str


def unseen_section(reader: Reader) -> Section[UnseenThing]:
    """Return what could not be seen, each once; where it was not looked for, that is said instead of nothing."""
    rows = sorted(_things(reader), key=str)
    notes = [] if looked(reader, COLLECTOR) else [_NOT_LOOKED]
    return Section("unseen", rows, _columns(), rows, title="What this host has that is not seen", notes=notes,
                   below=lambda row: [(row.meaning,)] if row.meaning else [])


def _things(reader: Reader) -> list[UnseenThing]:
    names = reader.netns_names()
    found = []
    for row in unseen(reader):
        cause = causes.of_counter(COLLECTOR, row.name)
        advice = causes.advice(cause, row.interface) if cause else None
        look = [causes.filled(line, interface=row.interface) or line for line in cause.look] if cause else []
        found.append(UnseenThing(
            cause.title if cause else row.name, cause.meaning if cause else None, row.interface,
            named_netns(row.netns, names), row.labels, advice, look, row.host))
    return found


def _columns() -> Sequence[Column[UnseenThing]]:
    return [
        Column("WHAT", lambda row: text(row.what), wraps=True),
        Column("WHERE", _where, wraps=True),
        Column("WHAT WOULD SHOW IT", lambda row: text(row.shown_by), wraps=True),
    ]


def _where(row: UnseenThing) -> str:
    owner = {name: value for name, value in row.details.items() if name not in _IDENTITY}
    place = row.interface or row.netns or ""
    if process := owner.pop("process", ""):
        place = f"{process}[{owner.pop('pid', '?')}]"
    return text(" ".join([place, *(f"{name}={value}" for name, value in owner.items())]).strip())
