"""Cumulative per-CPU counts: differences add up to the last value, in whatever order CPUs and windows go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.sources.bpf.counts import Counts, Increment, Span
from dropwatchd.sources.bpf.program import VALUE

WALL = 1_000_000


def _raw(*cpus: tuple[int, int, int, int, int]) -> bytes:
    return b"".join(VALUE.pack(*cpu, 0) for cpu in cpus)


@given(st.lists(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10**6)), min_size=2, max_size=2), max_size=20))
def test_increments_add_up(steps: list[list[tuple[int, int]]]) -> None:
    """The sum of all increments is what the CPUs have counted together."""
    counts = Counts[str]()
    totals = [[0, 0], [0, 0]]
    seen = 0
    for number, step in enumerate(steps, start=1):
        for cpu, (drops, octets) in enumerate(step):
            totals[cpu][0] += drops
            totals[cpu][1] += octets
        raw = _raw(*((drops, octets, number * 10, number * 10 + 5, number) for drops, octets in totals))
        new = counts.advance("key", raw, Span(number, number * 10 + WALL, WALL))
        assert (new is None) == (not any(drops for drops, _ in step))
        seen += new.drops if new else 0
    assert seen == counts.total == totals[0][0] + totals[1][0]


@pytest.mark.parametrize(("window", "first"), [(7, 120), (8, 100)])
def test_first_time_is_never_before_the_span(window: int, first: int) -> None:
    """A first_ns of the window that was closed is taken; of a newer window, the span's own beginning stands for it."""
    counts = Counts[str]()
    span = Span(7, 100 + WALL, WALL)
    assert counts.advance("key", _raw((3, 90, 120, 150, window)), span) == Increment(3, 90, first + WALL, 150 + WALL)


def test_idle_cpus_do_not_count() -> None:
    """A CPU that never saw the key has zeros: they are no times."""
    counts = Counts[str]()
    new = counts.advance("key", _raw((0, 0, 0, 0, 0), (2, 20, 130, 140, 1)), Span(1, 100 + WALL, WALL))
    assert new == Increment(2, 20, 130 + WALL, 140 + WALL)


def test_a_forgotten_key_starts_at_zero() -> None:
    """A key that made room counts from zero in the kernel, and here."""
    counts = Counts[str]()
    counts.advance("key", _raw((5, 50, 1, 9, 1)), Span(1, 0, 0))
    assert counts.quiet(10) == ["key"]
    assert counts.quiet(9) == []
    counts.forget("key")
    assert counts.advance("key", _raw((2, 20, 11, 12, 2)), Span(2, 10, 0)) == Increment(2, 20, 11, 12)
    assert counts.total == 7
