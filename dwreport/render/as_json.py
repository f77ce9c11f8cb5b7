"""JSON: one object, the contract that scripts depend on; unknown is null."""

import json
from collections.abc import Iterator, Sequence
from typing import TextIO

from dwreport.evidence.coverage import Coverage
from dwreport.render.page import Page
from dwreport.report.answer import Answer
from dwreport.report.rows import Moment, gap_row, plain


def write(answer: Answer, out: TextIO, _page: Page) -> None:
    """Write the object in ASCII, so that no name of the system reaches a terminal raw."""
    json.dump(_document(answer), out, indent=2, default=plain_value)
    out.write("\n")


class _Rows(list[object]):
    """Rows as the encoder takes them, one after the other: a day of them made at once would not fit into memory."""

    def __init__(self, rows: Sequence[object]) -> None:
        super().__init__()
        self._rows = rows

    def __iter__(self) -> Iterator[object]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def plain_value(value: object) -> object:
    """Return what JSON has for a value: the fields of a row, the text of a time."""
    return str(value) if isinstance(value, Moment) else plain(value)


def _document(answer: Answer) -> dict[str, object]:
    scope = answer.scope
    source = " + ".join(answer.coverage.sources) or "none"
    hosts = {(run.hostname, run.machine_id, run.kernel, source): None for run in answer.runs}
    return {
        "window": {"since": Moment(scope.since_ns), "until": Moment(scope.until_ns)},
        "filters": list(answer.filters),
        "hosts": [dict(zip(("hostname", "machine_id", "kernel", "source"), host, strict=True)) for host in hosts],
        "coverage": _coverage(answer.coverage),
        **{section.key: _Rows(section.rows) for section in answer.sections if section.key},
        **answer.extra,
    }


def _coverage(coverage: Coverage) -> dict[str, object]:
    until_ns = coverage.written_until_ns
    return {
        "status": coverage.status,
        "fraction": coverage.fraction,
        "recorded_until": None if until_ns is None else Moment(until_ns),
        "limits": list(coverage.limits),
        "gaps": [gap_row(gap) for gap in coverage.gaps],
    }
