"""What samples tell of how many drops are asked for: the ranges hold as often as they say."""

from random import Random

import pytest

from dropwatchd.history.read.portions import Verdict, portion

TRIES = 400


def _weights(windows: int) -> list[int]:
    """Return weights as a storm has them: in each window four samples of each weight, which doubles."""
    return [1 << octave for octave in range(14) for _ in range(4)] * windows


@pytest.mark.parametrize("windows", [1, 5])
@pytest.mark.parametrize("part", [0.003, 0.01, 0.03, 0.1, 0.3, 0.6])
def test_ranges_hold_in_nearly_all_samplings(part: float, windows: int) -> None:
    """Of what is rare, too: a few samples of little weight are no sign that there is little of it."""
    chance, weights = Random(7), _weights(windows)
    count = sum(weights)
    held = 0
    for _ in range(TRIES):
        found = portion(count, [Verdict(0, weight, 60, "yes" if chance.random() < part else "no")
                                for weight in weights])
        held += found.least <= round(count * part) <= (found.most if found.samples else found.open)
    assert held / TRIES > 0.92
