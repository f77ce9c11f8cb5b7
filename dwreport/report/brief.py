"""A finding in a line: where, when and who, what matters most first; the evidence is said elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dropwatchd.history.read.reader import Reader
from dropwatchd.model import NANO
from dwreport.evidence.coverage import Coverage
from dwreport.findings import support
from dwreport.findings.finding import Finding
from dwreport.report.wording import words
from dwreport.text import between, clock, number, time_format

_SURE = {"high": "sure", "medium": "likely", "low": "unsure"}
_NEAR_NS = 60 * NANO  # to now: what is recorded up to there is the present


@dataclass(frozen=True, slots=True)
class Until:
    """Up to when the window is on record, how times and namespaces are written, and whether it goes on.

    That is `end_ns` for all hosts, and `ends` for each; those that `live` go on.
    """

    end_ns: int
    now_ns: int
    times: str
    goes_on: bool = True
    spaces: Mapping[int, str] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    live: Collection[str] = ()

    def of(self, hosts: Sequence[str]) -> "Until":
        """Return the same of one host: others may be behind it, or ahead."""
        if len(hosts) != 1 or hosts[0] not in self.ends:
            return self
        return replace(self, end_ns=self.ends[hosts[0]], goes_on=hosts[0] in self.live, ends={})

    @property
    def told(self) -> str | None:
        """Return that time where it is not the present: of what comes after the end of the last run, nobody knows."""
        return None if self.goes_on and self.now_ns - self.end_ns <= _NEAR_NS else clock(self.end_ns, self.times)


def until_of(reader: Reader, judged: Coverage) -> Until:
    """Return how findings are told of a window that is on record as it was judged."""
    scope, limit_ns = reader.scope, min(reader.scope.until_ns, reader.now_ns)
    live = {run.hostname for run in reader.runs() if not run.ended}
    ends = {host: min(limit_ns, ns) for host, ns in judged.written.items() if host is not None}
    return Until(min(limit_ns, judged.written_until_ns or limit_ns), reader.now_ns,
                 time_format(scope.since_ns, scope.until_ns), bool(live), reader.netns_names(), ends, live)


def parts(finding: Finding, until: Until) -> list[str]:
    """Return where, when, how sure it is, and who."""
    who = finding.who
    return [*([place] if (place := where(finding, until)) else []), when(finding, until), _SURE[finding.confidence],
            *(_owner(fact, finding.count) for fact in who if isinstance(fact, support.Owner)),
            *(words(fact) for fact in who if isinstance(fact, support.Ends))]


def where(finding: Finding, until: Until) -> str:
    """Name the interfaces, if any are known, or else the namespace, unless that is the initial one."""
    devices = (support.OnInterface, support.MoreInterfaces)
    if told := ", ".join(words(fact) for fact in finding.who if isinstance(fact, devices)):
        return told
    space = None if finding.basis.place.netns is None else until.spaces.get(finding.basis.place.netns)
    return "" if space in {None, "init"} else f"in {space}"


def when(finding: Finding, until: Until) -> str:
    """Say when, and whether it goes on, as of the end of the record of its host where that is not now."""
    until = until.of(finding.hosts)
    if finding.first_ns is None or finding.last_ns is None:
        return "counters alone saw it"
    if finding.state == "going on":
        goes_on = f"going on at {until.told}" if until.told else "still going on"
        return f"since {clock(finding.first_ns, until.times)}, {goes_on}"
    over = "" if finding.state is None else f", over by {until.told}" if until.told else ", over"
    return f"{between(finding.first_ns, finding.last_ns, until.times)}{over}"


def _owner(owner: support.Owner, count: int) -> str:
    name = f"{owner.process}[{owner.pid}]" if owner.process else f"a program at {owner.local}"
    lost = "" if owner.lost == count else f", whose socket lost {number(owner.lost)}"
    return f"{name}{f' of {owner.unit}' if owner.unit else ''}{lost}"
