"""How fast recorded alerts of the drop monitor become counts: decoding and aggregation, on one core."""

import statistics
import time
from itertools import islice, repeat

from dropwatchd.sources.net_dm.options import NetDmOptions
from dropwatchd.sources.net_dm.tally import Tally
from tests.dropwatchd.sources.net_dm.recorded import RECORDED, recorded

_COUNT = 300_000
_ROUNDS = 5
Row = tuple[str, str, str]


def alerts() -> list[Row]:
    """Count the packet alerts that a kernel sent, over and over."""
    rows = []
    for path in RECORDED:
        if not path.stem.endswith("software-packet"):
            continue
        rates = [_rate(recorded(path)) for _ in range(_ROUNDS)]
        rows.append((f"packet alerts of Linux {path.stem.partition('-')[0]} counted a second",
                     f"{statistics.median(rates):,.0f}",
                     f"150,000 or more; {min(rates):,.0f} to {max(rates):,.0f} in {_ROUNDS} rounds"))
    return rows


def _rate(messages: list[bytes]) -> float:
    tally = Tally(NetDmOptions(), 1_000_000_000)
    many = islice((message for again in repeat(messages) for message in again), _COUNT)
    started = time.process_time()
    counted = tally.add(many)
    for _ in tally.take():
        pass
    assert counted == _COUNT
    return _COUNT / (time.process_time() - started)
