"""What collectors make of what real kernels gave."""

import pytest

from tests import fixtures


@pytest.mark.parametrize(("kernel", "collector"), fixtures.recorded())
def test_recorded(kernel: str, collector: str) -> None:
    """Names, labels, values and widths are as a person has read and kept them."""
    assert fixtures.describe(fixtures.readings(kernel, collector)) == fixtures.expected(kernel, collector)


@pytest.mark.parametrize(("kernel", "collector"), fixtures.recorded())
def test_counters_are_told_apart(kernel: str, collector: str) -> None:
    """No two readings of a round have the same key, and labels are sorted."""
    keys = [reading.key for reading in fixtures.readings(kernel, collector)]
    assert len(keys) == len(set(keys)) > 0
    assert all(list(key.labels) == sorted(key.labels) for key in keys)
    assert {key.collector for key in keys} == {collector}
