"""What belongs to a collector: the meaning of what it counts, a recording, and tests of its own."""

from pathlib import Path

import pytest

from dropwatchd.collectors import collector_names
from dwreport import causes
from tests import fixtures

MEANINGS = Path(causes.__file__).parent / "counters"
ELSEWHERE = {"mptcp"}  # its counters stand in /proc/net/netstat, which the collector of that name reads


@pytest.mark.parametrize("collector", collector_names())
def test_collector_is_complete(collector: str) -> None:
    """A collector without a meaning, a recording or tests is not finished."""
    assert (MEANINGS / f"{collector}.toml").exists(), "what its counters mean"
    assert collector in {name for _kernel, name in fixtures.recorded()}, "tests/fixtures/<kernel>/expected"
    assert (Path(__file__).parent / f"test_{collector}.py").exists(), "tests of its own"


def test_meanings_have_a_collector() -> None:
    """What nobody reads needs no explanation."""
    assert {path.stem for path in MEANINGS.glob("*.toml")} - ELSEWHERE == set(collector_names())


def test_fixtures_know_every_collector() -> None:
    assert collector_names() == fixtures.COLLECTORS
