"""Versions that are true: what pyproject.toml allows works, and what constraints.txt pins is one set."""

import re
import subprocess
import tomllib
from pathlib import Path

from tests.versions import RESOLUTIONS, ROOT, environment, pinned, versions

QUICK = (
    "tests/dropwatchd/history/test_migrations.py",  # alembic, sqlalchemy
    "tests/dropwatchd/sources/net_dm",  # pyroute2, msgspec's JSON
    "tests/dropwatchd/test_config.py",  # msgspec's refusals, in words
    "tests/dwreport/cli/test_archive.py",  # duckdb
    "tests/dwreport/cli/test_spans.py",  # click
    "tests/dwreport/render/test_as_table.py",  # tabulate
    "tests/dwreport/render/test_html.py",  # jinja2
)
"""Tests in which each library does what it is here for. `make test-lowest` runs all of the host's."""


def _declared(extra: str = "") -> dict[str, str]:
    """Return the lower bounds of pyproject.toml, or those of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return dict(re.split(r">=", line) for line in lines)


def test_it_works_with_the_lowest_versions_that_are_declared(tmp_path: Path) -> None:
    """Each library in the version of its bound, among them those of Debian 13; and DuckDB, which is an extra."""
    python = environment(tmp_path / "lowest", RESOLUTIONS["lowest"])
    assert (_declared() | _declared("parquet")).items() <= versions(python).items()
    done = subprocess.run([python, "-m", "pytest", "-n0", "-q", *QUICK], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def test_bounds_are_no_higher_than_what_debian_13_has() -> None:
    """Its packages are built on these: a bound above one of them cannot be installed there."""
    debian = {"alembic": (1, 13, 2), "click": (8, 1, 8), "jinja2": (3, 1, 6), "msgspec": (0, 19, 0),
              "pyroute2": (0, 7, 7), "sdnotify": (0, 3, 2), "sqlalchemy": (2, 0, 40), "tabulate": (0, 9, 0)}
    declared = {name: tuple(map(int, bound.split("."))) for name, bound in _declared().items()}
    assert declared.keys() == debian.keys()
    assert not {name for name, bound in declared.items() if bound > debian[name]}


def test_what_is_pinned_is_one_set_and_has_hashes() -> None:
    """What programs need is pinned in the tests' set in the same version; pip refuses what has no hash."""
    own, tests = (ROOT / "constraints.txt", ROOT / "tests/constraints.txt")
    assert _declared().keys() <= pinned(own).keys()
    assert pinned(own).items() <= pinned(tests).items()
    for path in (own, tests):
        entries = [entry for entry in re.split(r"\n(?=\S)", path.read_text()) if not entry.startswith("#")]
        assert len(entries) == len(pinned(path))
        assert all(re.search(r"==\S+ .*--hash=sha256:[0-9a-f]{64}", entry, flags=re.DOTALL) for entry in entries)
