"""The gallery on the guests' kernels: every cause is recorded exactly and named, whatever sees the drops."""

import pytest

from tests.gallery.guests import SOURCES, play_in
from tests.gallery.results import is_right
from tests.gallery.run import batches
from tests.gallery.scenarios import names
from tests.gallery.score import SUMMARY, Score
from tests.vm.guest import Guest


@pytest.mark.parametrize("source", SOURCES)
def test_gallery(guest: Guest, source: str) -> None:
    """All can be played here; where the kernel does not tell something, the scenario says so and why.

    Summaries tell places alone, all in the same way: a batch of them will do.
    """
    only = [*batches(names(), source)[0]] if source == SUMMARY else []
    wrong = {name: result.notes if isinstance(result, Score) else repr(result)
             for name, result in play_in(guest, source, only).items()
             if not (isinstance(result, Score) and is_right(result))}
    assert not wrong
