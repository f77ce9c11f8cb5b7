"""Every scenario that this kernel can play is recorded exactly, with its cause, its interface and its counters."""

import pytest

from tests.gallery.results import Result
from tests.gallery.run import play
from tests.gallery.scenarios import names, scenario

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(1200)]  # the first test waits until all have been played


@pytest.fixture(scope="module")
def results(
    kernel: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,  # noqa: ARG001
) -> dict[str, Result]:
    """The results of the scenarios that were asked for, which share their daemons."""
    chosen = [str(item.callspec.params["name"]) for item in request.session.items
              if isinstance(item, pytest.Function) and item.originalname == test_scenario.__name__]
    return dict(play(chosen, "bpf", tmp_path_factory.mktemp("gallery")))


@pytest.mark.parametrize("name", [name for name in names() if scenario(name).is_playable])
def test_scenario(name: str, results: dict[str, Result]) -> None:
    """What was provoked is what the report says, where the kernel tells it at all."""
    result = results[name]
    if isinstance(result, Exception):
        raise result
    assert result.is_right, "; ".join(result.notes)
