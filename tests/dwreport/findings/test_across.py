"""What hosts have in common: a host is named the first only among those whose time is known."""

from dwreport.evidence.tally import Place
from dwreport.findings.across import across
from dwreport.findings.finding import Basis, Finding
from dwreport.report.across import cause_rows, cause_section


def _finding(host: str, first_ns: int | None) -> Finding:
    return Finding("A loss", "harmful", 5, first_ns, first_ns, [], [], None, "high", [host],
                   Basis(Place(host), "counters" if first_ns is None else "software", 5, 5))


def test_the_first_is_of_those_that_tell_when() -> None:
    [one] = across([_finding("web-2", 200), _finding("web-1", None), _finding("web-3", 100)])
    assert (one.count, one.hosts, one.first_host, one.first_ns, one.timed) == (
        15, ["web-1", "web-2", "web-3"], "web-3", 100, 2)
    told = cause_section(cause_rows([one], 4), "%H:%M:%S")
    assert [column.cell(told.shown[0]) for column in told.columns[2:4]] == ["3 of 4", "web-3, of 2"]
    told = cause_section(cause_rows(across([_finding("web-1", 100), _finding("web-2", 100)]), 2), "%H:%M:%S")
    assert told.columns[3].cell(told.shown[0]) == "web-1"


def test_counters_alone_tell_no_first() -> None:
    [one] = across([_finding("web-1", 100), _finding("web-2", 200), _finding("web-3", 300)], frozenset({"web-1"}))
    assert (one.first_host, one.first_ns, one.timed, len(one.hosts)) == ("web-2", 200, 2, 3)
    [one] = across([_finding("web-1", None), _finding("web-2", None)])
    assert (one.first_host, one.first_ns, one.timed) == (None, None, 0)
