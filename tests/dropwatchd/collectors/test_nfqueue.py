"""The nfqueue collector."""

from dropwatchd.collectors import nfqueue

TWO = """\
    0  14127     3 2 65531    17     5     4711  1
   12   9034     0 2    64     0     0       88  1
"""


def test_a_line_is_a_queue() -> None:
    """With what was lost before it, and at the program's socket; how many wait is a level."""
    found = {(dict(row.key.labels).get("queue"), row.key.name): (row.value, row.bits) for row in nfqueue.parse(TWO, 7)}
    assert found == {
        (None, "bound"): (2, 0),
        ("0", "waiting"): (3, 0), ("0", "queue_dropped"): (17, 32), ("0", "user_dropped"): (5, 32),
        ("12", "waiting"): (0, 0), ("12", "queue_dropped"): (0, 32), ("12", "user_dropped"): (0, 32)}


def test_no_queue_is_something_to_know() -> None:
    """Nobody has bound one: somebody has looked."""
    assert [(row.key.name, row.key.netns, row.value) for row in nfqueue.parse("", 7)] == [("bound", 7, 0)]
