"""The findings of a window with what people are told of each, without tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropwatchd.history.read.reader import Reader
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import Coverage
from dwreport.evidence.filters import Filters
from dwreport.evidence.recorded import recorded
from dwreport.findings.finding import Finding
from dwreport.findings.lasting import Lasting
from dwreport.findings.rank import findings
from dwreport.report.arrange import keeps
from dwreport.report.brief import parts, until_of
from dwreport.report.chart import Chart, chart_of
from dwreport.report.findings import FindingRow, finding_row
from dwreport.report.gaps import assessed
from dwreport.report.wanted import Wanted
from dwreport.text import clean


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, its row, and where, when and who in brief: printable."""

    finding: Finding
    row: FindingRow
    told: Sequence[str]

    @property
    def known_by(self) -> str:
        """Return its cause and its place, which stay the same while it grows."""
        return "\t".join(map(str, (self.finding.title, *self.finding.basis.place)))


@dataclass(frozen=True, slots=True)
class Window:
    """The findings of a window, the most harmful first, and how far it was watched."""

    found: Sequence[Found]
    coverage: Coverage
    chart: Chart
    end_ns: int


def findings_of(reader: Reader, wanted: Wanted) -> Window:
    """Return the findings whose severity is wanted, with the numbers that a report gives them."""
    reader.expect_counters()
    scope, known = reader.scope, recorded(reader)
    chart, judged = chart_of(reader, known), assessed(reader, known=known)
    until = until_of(reader, judged)
    lasting = Lasting(known, until.end_ns, chart.step_ns, scope.origin, until.ends)
    evidence = gather(reader, reader.drops(chart.start_ns, chart.step_ns))
    every = findings(evidence, Filters(scope, reader.namespaces()), lasting).found
    kept = (finding for finding in every if keeps(wanted, finding.severity))
    return Window([Found(finding, finding_row(finding, number), [clean(part) for part in parts(finding, until)])
                   for number, finding in enumerate(kept, 1)], judged, chart, until.end_ns)
