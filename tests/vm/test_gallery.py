"""The gallery on the guests' kernels: every cause is recorded exactly and named, whatever sees the drops."""

import pytest

from tests.gallery.guests import SOURCES, play_in
from tests.gallery.results import is_right
from tests.gallery.run import batches
from tests.gallery.scenarios import names
from tests.gallery.score import Score
from tests.vm.guest import Guest
from tests.vm.recipe import RECIPES, Recipe


@pytest.mark.parametrize("source", SOURCES)
def test_gallery(guest: Guest, recipe: Recipe, source: str) -> None:
    """All can be played here; where the kernel does not tell something, the scenario says so and why.

    A batch will do of summaries, which tell places alone, and all in the same way, and of the drop monitor on a second
    kernel. `make gallery` plays all of them.
    """
    is_whole = source == "bpf" or (source == "net_dm" and recipe is RECIPES["6.12"])
    only = [] if is_whole else [*batches(names(), source)[0]]
    wrong = {name: result.notes if isinstance(result, Score) else repr(result)
             for name, result in play_in(guest, source, only).items()
             if not (isinstance(result, Score) and is_right(result))}
    assert not wrong
