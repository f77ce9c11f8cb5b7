"""What tests with real drops share: a machine that can have them, a daemon that records them, and a stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gallery.needs import require_kernel
from tests.gallery.recording import Recording
from tests.gallery.stage import Stage


@pytest.fixture(scope="session")
def kernel() -> None:
    """Network namespaces and BPF."""
    require_kernel()


@pytest.fixture(scope="module")
def recording(kernel: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:  # noqa: ARG001
    """A running daemon, shared by a module's tests."""
    with Recording(tmp_path_factory.mktemp("recording")) as running:
        yield running


@pytest.fixture
def fresh(kernel: None, tmp_path: Path) -> Iterator[Recording]:  # noqa: ARG001
    """A daemon of the test's own that has not been started; whatever it started is ended with the test."""
    recording = Recording(tmp_path)
    yield recording
    recording.end()


@pytest.fixture
def stage(kernel: None) -> Iterator[Stage]:  # noqa: ARG001
    """Three network namespaces in a row."""
    with Stage() as made:
        yield made
