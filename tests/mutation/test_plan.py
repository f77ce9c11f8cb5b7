"""The list of faults fits the code: what cannot be made any more is written anew, with its test."""

from collections import Counter

import pytest

from tests.mutation.plan import ROOT, Mutation, mutations


@pytest.mark.parametrize("one", mutations(), ids=str)
def test_a_fault_can_be_made(one: Mutation) -> None:
    """The text that it changes stands there exactly once, and the tests that are to notice it exist."""
    assert not one.trouble(ROOT)


def test_a_fault_is_known_by_its_name() -> None:
    """Each has one of its own."""
    assert not [name for name, count in Counter(map(str, mutations())).items() if count > 1]
