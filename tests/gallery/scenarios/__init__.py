"""The scenarios: each module here describes one cause of drops; its name is the scenario's."""

from importlib import import_module
from pkgutil import iter_modules

from tests.gallery.scenario import Scenario


def names() -> list[str]:
    """Return the names of all scenarios, in order."""
    return sorted(module.name for module in iter_modules(__path__))


def scenario(name: str) -> Scenario:
    """Return the scenario of that name."""
    found: Scenario = import_module(f"{__name__}.{name}").SCENARIO
    return found
