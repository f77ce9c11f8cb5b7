"""Text for pages: harmless, and no longer than somebody reads."""

from markupsafe import Markup

from dwreport.text import clean

_LONGEST = 400  # characters: a name is of a system, and may be of any length


def shown(value: object) -> object:
    """Return what is written in the place of a value: text becomes safe, but for markup that is made here."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def safe(text: str) -> str:
    """Return text in which controls and bidirectional marks are escapes, and a flood is cut."""
    told = clean(text[:_LONGEST])
    return told if len(text) <= _LONGEST and len(told) <= _LONGEST else f"{told[:_LONGEST]} ..."
