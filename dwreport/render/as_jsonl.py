"""JSON lines: the rows of one section, each an object on a line of its own, for tools that read streams."""

import json
from typing import TextIO

from dwreport.render.as_json import plain_value
from dwreport.render.page import Page
from dwreport.report.answer import Answer


def write(answer: Answer, out: TextIO, _page: Page) -> None:
    """Write one line for each row that CSV has, in ASCII; unknown is null."""
    section = next(section for section in answer.sections if section.record)
    for row in section.rows:
        json.dump(row, out, default=plain_value)
        out.write("\n")
