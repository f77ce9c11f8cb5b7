"""Answers as text: a module as_NAME with a `write` function is a format; imports little, for speed."""

from pkgutil import iter_modules

_PREFIX = "as_"


def format_names() -> list[str]:
    """Return the names of all formats, without loading any."""
    names = (module.name for module in iter_modules(__path__))
    return [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]
