"""The page as a document: what is told, in the order in which it is read, and what its scripts may do."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import BinaryIO

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from dropwatchd import __version__
from dwreport.render.heading import heading, warning
from dwreport.render.html.cards import card
from dwreport.render.html.chart import chart
from dwreport.render.html.safe import shown
from dwreport.render.html.tables import table
from dwreport.report.sheet import Sheet
from dwreport.report.sums import sums
from dwreport.text import clock, fraction, number, window

MOST_BYTES = 1_000_000
_ROWS = (200, 100, 50, 20, 5)  # of a table; so many that the page is no longer than it may be
_SEVERITIES = ("harmful", "suspect", "unknown", "benign")
_SCRIPTS = ("page.js", "touch.js", "chart.js", "tables.js")


def write(sheet: Sheet, out: BinaryIO) -> int:
    """Write the page from where `out` begins, in fewer rows where it would be too long; return its length in bytes."""
    page = next(page for most in _ROWS if len(page := _page(sheet, most)) <= MOST_BYTES or most == _ROWS[-1])
    out.seek(0)
    out.truncate()
    out.write(page)
    return len(page)


def _page(sheet: Sheet, most: int) -> bytes:
    answer, numbers = sheet.answer, sums(sheet.answer)
    scope = answer.scope
    whose = ", ".join(answer.hosts()) or "no host"
    script, style = _script(), _style()
    return _environment().get_template("page.html").render(
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
               "base-uri 'none'; form-action 'none'",
        title=f"Packets dropped on {whose}", host=whose, span=window(scope.since_ns, scope.until_ns),
        heading=heading(answer)[2:], filters=sheet.filters, warnings=warning(answer), lead=answer.lead,
        tiles=[(name, number(int(numbers[name].value)), int(numbers[name].value)) for name in _SEVERITIES],
        status=answer.coverage.status, is_well=answer.coverage.status == "complete" or answer.coverage.only_unwritten,
        coverage=fraction(answer.coverage.fraction),
        cards=[card(one, shape, sheet.steps) for one, shape in zip(sheet.findings[:most], sheet.shapes, strict=False)],
        found=number(len(sheet.findings)), left=number(max(0, len(sheet.findings) - most)),
        tables=[table(section, answer, most) for section in sheet.sections],
        made=f"{clock(answer.now_ns, '%Y-%m-%d %H:%M:%S %Z')} by dwreport {__version__}",
        data=_data(chart(sheet, most)), script=script, style=style,
    ).encode()


@cache
def _environment() -> Environment:
    """Return what makes pages: whatever is told is made harmless, and then escaped."""
    from jinja2 import PackageLoader  # noqa: PLC0415 - nothing is loaded before it is needed

    return Environment(loader=PackageLoader("dwreport.render.html", "."), autoescape=True, finalize=shown,
                       undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _script() -> Markup:
    """Return the program of the page; its licence goes with uPlot."""
    folder = files("dwreport.render.html")
    licence = (folder / "uplot" / "uPlot.LICENSE").read_text()
    own = "".join((folder / name).read_text() for name in _SCRIPTS)
    return Markup(f"/*\n{licence}*/\n{(folder / 'uplot' / 'uPlot.iife.min.js').read_text()}\n"  # noqa: S704 - files of ours
                  f"(() => {{\n'use strict';\n{own}}})();\n")


@cache
def _style() -> Markup:
    folder = files("dwreport.render.html")
    return Markup((folder / "uplot" / "uPlot.min.css").read_text() + "\n"  # noqa: S704 - files of ours
                  + (folder / "page.css").read_text())


def _hash(text: str) -> str:
    """Return what the policy allows: this text alone, to the byte (CSP 3, section 6.7.3)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(value: object) -> Markup:
    """Return JSON in which nothing ends a script, begins a comment, or is anything but ASCII."""
    text = json.dumps(value, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - escaped above
