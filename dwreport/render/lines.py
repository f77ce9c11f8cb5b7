"""Lines of a report that goes on: each row on a line of its own, in columns of a fixed width."""

import csv
import json
from collections.abc import Sequence
from typing import Any, TextIO

from dwreport.render.as_csv import cells, header
from dwreport.render.as_json import plain_value
from dwreport.report.rows import WindowRow


class Lines:
    """Writes rows as they come: `form` is table, jsonl or csv. Everything is on its way when a call returns."""

    def __init__(self, out: TextIO, form: str) -> None:
        self._out = out
        self._form = form
        self._titled = False
        self.begun = False

    def write(self, rows: Sequence[Any], titles: str, shown: Sequence[str]) -> None:
        """Write rows, which people see as `shown`, below `titles`."""
        if self._form == "csv":
            writer = csv.writer(self._out, lineterminator="\n")
            if not self._titled:
                writer.writerow(header(WindowRow))
            writer.writerows(cells(row) for row in rows)
            self._titled = True
        elif self._form == "jsonl":
            for row in rows:
                self._out.write(f"{json.dumps(row, default=plain_value)}\n")
        elif shown:
            lines = shown if self._titled or not titles else [titles, *shown]
            self._out.write("".join(f"{line}\n" for line in lines))
            self._titled = True
        self._out.flush()
        self.begun = True
