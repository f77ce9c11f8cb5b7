"""When a host sends again."""

import pytest

from dropwatchd.upload.pace import Pace


def test_hosts_wait_longer_the_longer_a_server_is_away() -> None:
    """An interval at least, then half the time since the first refusal, an hour at most; each at times of its own."""
    pace = Pace(300)
    assert 0 <= pace.first() <= 300
    for now_s, sent, wait_s in ((1000, True, 300), (2000, False, 300), (2300, False, 300), (3200, False, 600),
                                (4000, False, 1000), (20_000, False, 3600), (20_001, True, 300), (20_002, False, 300)):
        assert pace.next(now_s, sent=sent) == pytest.approx(wait_s, rel=0.1), now_s
    assert len({pace.next(30_000, sent=True) for _ in range(20)}) > 1
