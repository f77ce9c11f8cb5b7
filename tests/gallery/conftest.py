"""The machine that scenarios need."""

import pytest

from tests.gallery.needs import require_kernel


@pytest.fixture(scope="session")
def kernel() -> None:
    """Network namespaces and BPF."""
    require_kernel()
