"""What a drop reason, a kernel function or a counter means, from the catalogue."""

import json
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from dropwatchd.history.read.stacks import StackRow
from dwreport import causes
from dwreport.causes import Cause, Counter, Location, Reason, Trap, kinds
from dwreport.render.command import folded
from dwreport.render.output import standard_output
from dwreport.render.page import Page
from dwreport.text import clean

_WIDEST = 100
_INDENT = 11
FORMATS = {"table", "json"}


def write(name: str, chosen: str, page: Page, ask: Callable[[str], Sequence[StackRow]], *, pager: bool) -> None:
    """Write what a name means, in one of the formats; raise click.ClickException where nothing is known of it.

    Of a name that the catalogue lacks, `ask` gives the call stacks that a history has.
    """
    found = causes.explain(name.strip())
    found += [other for cause in found if isinstance(cause, Counter) and cause.collector == "link"
              for other in kinds.on_devices(cause.name)]
    stacks = [] if found else ask(name.partition("+")[0])
    if not found and not stacks:
        raise click.ClickException(_unknown(name))
    with standard_output(pager=pager) as out:
        if chosen == "json":
            out.write(_json([*map(_meant, found), *map(_met, stacks)]))
        else:
            out.write(_page(found, page) if found else _stacks(name, stacks))


def _unknown(name: str) -> str:
    near = causes.near(name)
    hint = f"did you mean {', '.join(near)}?" if near else "dwreport drops and dwreport counters show names"
    return f"nothing is known of this name, {name}; {hint}"


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"explanations": rows}, indent=2) + "\n"


def _meant(cause: Cause) -> dict[str, Any]:
    return {"what": _what(cause), **msgspec.structs.asdict(cause)}


def _met(stack: StackRow) -> dict[str, Any]:
    return {"what": "call stack", "name": stack.location.printed(), "reason": stack.reason, "host": stack.host,
            "frames": stack.frames}


def _stacks(name: str, stacks: Sequence[StackRow]) -> str:
    """Write each distinct way to drops of a name that is not in the catalogue."""
    lines = [f"{clean(name)} is not in the catalogue. The kernel came to the first of these drops by:"]
    for frames in dict.fromkeys(stack.frames for stack in stacks):
        same = [stack for stack in stacks if stack.frames == frames]
        reasons = ", ".join(sorted({stack.reason or "no reason given" for stack in same}))
        hosts = ", ".join(sorted({stack.host for stack in same}))
        lines += ["", f"{clean(same[0].location.printed())} · {clean(reasons)} · {clean(hosts)}",
                  *(f"  {clean(frame)}" for frame in frames)]
    return "\n".join(lines) + "\n"


def _what(cause: Cause) -> str:
    """Say what sort of name was explained."""
    if isinstance(cause, Counter):
        return "counter"
    if isinstance(cause, Trap):
        return "hardware trap"
    if isinstance(cause, Location):
        return "function without an entry of its own" if cause.match else "location"
    return "cause that the kernel has no name for" if cause.name[:1].islower() else "reason"


def _page(found: Sequence[Cause], page: Page) -> str:
    width = min(_WIDEST, page.width or _WIDEST)
    return "\n\n".join("\n".join(_entry(cause, width)) for cause in found) + "\n"


def _entry(cause: Cause, width: int) -> list[str]:
    head = f"{clean(cause.name)} · {_what(cause)}{_of(cause)} · {cause.layer} · {cause.kind} · {cause.harm}"
    lines = [*(line for text in (head, cause.title) for line in textwrap.wrap(text, width)), "",
             *textwrap.wrap(cause.meaning, width), ""]
    before: list[tuple[str, Sequence[str]]] = [("no loss", (cause.harmless,)), ("usually", cause.usual)]
    for label, texts in before:
        lines += _labelled(label, [text for text in texts if text], width)
    lines += folded(f"{'next':<{_INDENT}}", cause.next, width, _INDENT) if cause.next else []
    after: list[tuple[str, Sequence[str]]] = [("also", cause.look), *_relations(cause), ("source", (cause.source,))]
    for label, texts in after:
        lines += _labelled(label, [text for text in texts if text], width)
    return lines


def _of(cause: Cause) -> str:
    """Say who has read a counter; that a name looks like a driver's does not make it one."""
    if not isinstance(cause, Counter):
        return ""
    return " of some driver, by the look of its name" if cause.match else f" of {cause.collector}"


def _relations(cause: Cause) -> list[tuple[str, Sequence[str]]]:
    """Return what a name has to do with other names."""
    if isinstance(cause, Reason):
        return [("counters", [", ".join(cause.counters)]), ("functions", [", ".join(cause.functions)]),
                ("since", [f"Linux {cause.since}" if cause.since else ""])]
    if isinstance(cause, Location):
        alike = causes.near(cause.name) if cause.match else ()
        return [("stands for", [" or ".join(cause.candidates)]), ("known are", [", ".join(alike)])]
    if isinstance(cause, Counter):
        others = "" if cause.parts_complete else ", and others"
        return [("contains", [", ".join(cause.parts) + others if cause.parts else ""]),
                ("events", [", ".join(cause.event)])]
    return []


def _labelled(label: str, texts: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += textwrap.wrap(text, width, initial_indent=f"{label:<{_INDENT}}", subsequent_indent=" " * _INDENT,
                               break_on_hyphens=False, break_long_words=False)
        label = ""
    return lines
