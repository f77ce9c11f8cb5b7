"""Views, one module each: `view(reader)` answers what was asked, and the module's name is the command's."""

from pkgutil import iter_modules


def view_names() -> list[str]:
    """Return the names of all views, without loading any."""
    return [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
