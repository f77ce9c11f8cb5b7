"""Who may import whom inside dwreport: it reads downwards."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What stands lower knows nothing of what stands higher; those of one line know each other.
ORDER = [{"__main__"}, {"cli"}, {"views"}, {"render"}, {"report"}, {"findings"}, {"evidence"},
         {"causes"}, {"packets"}, {"text"}]
PLACE = {name: place for place, names in enumerate(ORDER) for name in names}


def _imports(path: Path) -> Iterator[str]:
    """Yield the parts of dwreport that a module imports, by name too (import_module)."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "dwreport":
            names = [f"dwreport.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names = [node.value]
        yield from (name.split(".")[1] for name in names if name.startswith("dwreport."))


@pytest.mark.parametrize("path", sorted((ROOT / "dwreport").rglob("*.py")),
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_nothing_that_stands_higher(path: Path) -> None:
    """Who asked, views, render, report, findings, evidence, causes, packets, text."""
    own = path.relative_to(ROOT / "dwreport").with_suffix("").parts[0]
    if own != "__init__":
        assert not {name for name in _imports(path) if PLACE[name] < PLACE[own]}
