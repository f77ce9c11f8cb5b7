"""Writes an answer in the format asked for."""

from importlib import import_module
from typing import Protocol, TextIO, cast

from dwreport.render.page import Page
from dwreport.report.answer import Answer


class _Renderer(Protocol):
    def write(self, answer: Answer, out: TextIO, page: Page) -> None: ...


def write(answer: Answer, name: str, out: TextIO, page: Page) -> None:
    """Write the answer; only the module of the format asked for is imported."""
    cast("_Renderer", import_module(f"dwreport.render.as_{name}")).write(answer, out, page)
