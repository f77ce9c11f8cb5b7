"""What a report is laid out for: a terminal of some width, or whatever reads it next."""

import os
import shutil
import sys
from dataclasses import dataclass, replace

NARROWEST = 50


@dataclass(frozen=True, slots=True)
class Page:
    """`width` in characters, None where lines may be as long as they are; `coloured` where a person looks.

    `height` in lines is that of a terminal, None where there is none.
    """

    width: int | None = None
    coloured: bool = False
    height: int | None = None

    def has(self, width: int) -> bool:
        """Say whether there is room for so many characters."""
        return self.width is None or width <= self.width

    def less(self, indent: int) -> "Page":
        """Return the page without so many characters at its left."""
        return self if self.width is None else replace(self, width=self.width - indent)


def page_of(width: int | None) -> Page:
    """Return the page for standard output: `width` if given, else COLUMNS, else the terminal's; a pipe has no limit."""
    is_terminal = sys.stdout.isatty()
    told = width or _columns() or (shutil.get_terminal_size().columns if is_terminal else None)
    colourless = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"  # https://no-color.org
    return Page(None if told is None else max(NARROWEST, told), is_terminal and not colourless,
                shutil.get_terminal_size().lines if is_terminal else None)


def _columns() -> int | None:
    """Return what the environment says of the width, as shutil.get_terminal_size reads it."""
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isascii() and given.isdigit() and int(given) else None
