"""A command on lines of a page: broken where a shell goes on, so that what is copied is the command."""

from collections.abc import Iterator

_ON = " \\"     # POSIX shell, 2.2.1: a backslash at the end of a line joins the next one to it
_INDENT = 4


def folded(lead: str, command: str, width: int | None, indent: int = _INDENT) -> list[str]:
    """Return the lines of a command behind its lead; a word that is too long for a line stays whole.

    Lines are broken between words, never within quotes, where a new line would be part of the command.
    """
    whole = f"{lead}{command}"
    if width is None or len(whole) <= width:
        return [whole]
    first, *rest = words(command)
    begins = f"{lead}{first}"
    lines = [begins] if len(begins) + len(_ON) <= width else [lead.rstrip(), f"{'':{indent}}{first}"]
    for place, word in enumerate(rest, 1):
        on = "" if place == len(rest) else _ON
        if len(lines[-1]) + 1 + len(word) + len(on) <= width:
            lines[-1] += f" {word}"
        else:
            lines[-1] += _ON
            lines.append(f"{'':{indent}}{word}")
    return lines


def words(command: str) -> list[str]:
    """Split a command at the blanks that are between its words for a shell; nothing of it is changed."""
    found = [""]
    for char, is_between in _characters(command):
        if char == " " and is_between:
            found.append("")
        else:
            found[-1] += char
    return [word for word in found if word] or [command]


def _characters(command: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, and whether it is outside of quotes and behind no backslash."""
    quote = ""
    escaped = False
    for char in command:
        yield char, not quote and not escaped
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
