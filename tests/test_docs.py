"""What documents say exists: the tests that they name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    """A fault is held by a test as long as there is that test."""
    for path, name in NAMED.findall(document.read_text()):
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_each_line_of_the_table_of_faults_names_a_test() -> None:
    """A claim without a test is none."""
    lines = (ROOT / "docs" / "trust.md").read_text().partition("## What holds")[2].partition("\n## ")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| fault ")]
    assert len(rows) > 30
    assert not [row for row in rows if not NAMED.search(row)]
