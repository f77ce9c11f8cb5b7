"""What the checks of packages share."""

from pathlib import Path

import pytest

from tests.packages import deb


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package; building it has run the tests with Debian's libraries, and lintian."""
    return deb.build(tmp_path_factory.mktemp("built"))
