"""The house rules that a machine can hold: linters, types, and who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("dropwatchd", "dwreport")


def _run(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    """Every rule is on; what is off says why in pyproject.toml."""
    _run("ruff", "check", "--no-cache", ".")


def test_types_are_strict() -> None:
    """Mypy in strict mode finds nothing, in the tests too."""
    _run("mypy")


def _modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(path: Path) -> set[str]:
    return {name for name in _imports(path) if name.split(".")[0] in PACKAGES}


_APART = {  # part -> what it does not know
    "dropwatchd.kernel": ("dropwatchd.history", "dropwatchd.collectors", "dropwatchd.sources"),
    "dropwatchd.collectors": ("dropwatchd.history", "dropwatchd.sources"),
    "dropwatchd.history.read": ("dropwatchd.history.write",),
    "dropwatchd.history.write": ("dropwatchd.history.read",),
    "dwreport": ("dropwatchd.history.write",),
}


def _forbidden(module: str, name: str) -> bool:
    """The import rule: the flow goes one way, and each part can be read without the others."""
    def among(*prefixes: str) -> bool:
        return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)

    apart = [other for part, others in _APART.items() if module.startswith(part) for other in others]
    if module == "dropwatchd.model" or among(*apart):
        return True
    if module.startswith("dwreport"):
        return not among("dwreport", "dropwatchd.history", "dropwatchd.model", "dropwatchd.__version__") \
            and name != "dropwatchd"
    if module.startswith("dropwatchd.sources.") and module != "dropwatchd.sources.choose":
        own = ".".join(module.split(".")[:3])
        return among("dropwatchd.history", "dropwatchd.collectors", "dropwatchd.config") \
            or (among("dropwatchd.sources") and name.count(".") > 1 and not among(own)
                and name != "dropwatchd.sources.UnavailableError")
    return among("dwreport")


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_flow(path: Path) -> None:
    """Model imports nothing of ours; reports know the history as readers do; collectors and sources know no history."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    assert not {name for name in _ours(path) if _forbidden(module, name)}


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_say_their_role_in_one_paragraph(path: Path) -> None:
    """A module begins with its role."""
    assert ast.get_docstring(ast.parse(path.read_text()))
