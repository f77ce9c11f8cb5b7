"""What a device is called now, by the renames on record."""

from dropwatchd.history.read.reader import LoggedEvent
from dwreport.evidence.tally import Place
from dwreport.findings.renames import renamed, renames


def _was(time_ns: int, old: str, new: str, netns: int = 1, kind: str = "link renamed") -> LoggedEvent:
    return LoggedEvent("web-3", time_ns, kind, new, f"was {old}", netns)


def test_names_are_followed_from_when_they_were_seen() -> None:
    """Two devices that change names, with a third name between; another namespace, and what was seen after it."""
    known = renames([_was(30, "tmp", "eth1"), _was(10, "eth0", "tmp"), _was(20, "eth1", "eth0"),
                     _was(5, "eth0", "x", netns=2), _was(6, "eth0", "y", kind="link up")])
    assert [rename.time_ns for rename in known] == [5, 10, 20, 30]
    eth0, eth1 = Place("web-3", 1, "eth0"), Place("web-3", 1, "eth1")
    assert renamed(eth0, 0, known) == eth1
    assert renamed(eth1, 0, known) == eth0
    assert renamed(eth0, 10, known) == eth0  # seen after it had got another name: that is the next one of that name
    assert renamed(eth0, 25, known) == eth0
    assert renamed(Place("web-3", 2, "eth0"), 0, known) == Place("web-3", 2, "x")
    assert renamed(Place("web-4", 1, "eth0"), 0, known) == Place("web-4", 1, "eth0")
