"""What monitoring asks a history for: all drops that were ever recorded, and how far the last hour was watched."""

from collections import Counter
from collections.abc import Mapping

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.stops import stops
from dropwatchd.history.read.total_rows import EverRow, began_ns, ever
from dropwatchd.model import NANO, GapCause
from dwreport.causes import of_drop
from dwreport.evidence.coverage import (
    LIMITS,
    NEVER_WAS,
    NO_SOURCE,
    NOT_RUNNING,
    NOT_WATCHED,
    SET_BACK,
    SILENT_NS,
    TO_AND_FRO,
    Coverage,
    assess,
)
from dwreport.evidence.coverage import NOT_WRITTEN as UNWRITTEN
from dwreport.evidence.recorded import recorded
from dwreport.render.openmetrics import Family, Sample

OTHER, UNKNOWN = "other", "unknown"
Labels = tuple[tuple[str, str], ...]
_WATCHED = ("software", "hardware", "packets", "counters")
_WINDOW = "in the last time, as long as dropwatchd_window_seconds says, up to when the daemon last wrote"


def families(reader: Reader) -> list[Family]:
    """Return all metrics of one host; what is not known has no sample."""
    written_ns = max((stop.until_ns for stop in stops(reader)), default=None)
    runs = reader.runs()
    is_up = bool(runs) and not runs[-1].ended and abs(reader.now_ns - (written_ns or 0)) <= SILENT_NS
    return [*_drops(reader), *_life(written_ns, is_up=is_up), *_coverage(reader, is_up=is_up)]


def _drops(reader: Reader) -> list[Family]:
    """Return counters that never fall, whatever expires: each begins with the history.

    They are named after system.network.packet.dropped and network.interface.name of OpenTelemetry's semantic
    conventions, which know no reason and no namespace.
    """
    sums: Counter[Labels] = Counter()
    for row in ever(reader):
        sums[_labels(row)] += row.count
    first_ns = began_ns(reader)
    created_s = None if first_ns is None else first_ns / NANO
    return [
        Family("dropwatchd_network_packet_dropped", "counter",
               "Packets dropped since the history began, by place, reason and cause. No sample says that none was "
               "recorded there; other is what has no room for labels of its own.",
               [Sample(dict(labels), count, created_s) for labels, count in sums.items()]),
        Family("dropwatchd_network_packet_dropped_all", "counter",
               "All packets dropped since the history began: the sum of the above.",
               [] if created_s is None else [Sample({}, sums.total(), created_s)]),
    ]


def _labels(row: EverRow) -> Labels:
    if row.folded > 1:
        names = dict.fromkeys(("network_interface_name", "network_namespace", "reason", "cause", "severity"), OTHER)
        return tuple({**names, "origin": row.origin}.items())
    cause = of_drop(row.key())
    place = {"network_interface_name": row.interface or UNKNOWN, "network_namespace": row.netns or UNKNOWN}
    return tuple({**(dict.fromkeys(place, OTHER) if row.folded else place),
                  "reason": row.reason or row.trap or UNKNOWN,
                  "cause": cause.title if cause else UNKNOWN,
                  "severity": cause.harm if cause else UNKNOWN,
                  "origin": row.origin}.items())


def _life(written_ns: int | None, *, is_up: bool) -> list[Family]:
    return [
        Family("dropwatchd_up", "gauge", "Whether the daemon runs, and has written within the last 30 seconds.",
               [Sample({}, int(is_up))]),
        Family("dropwatchd_last_write_timestamp_seconds", "gauge",
               "Up to when the daemon has vouched for anything that it watched.",
               [] if written_ns is None else [Sample({}, written_ns / NANO)]),
    ]


def _coverage(reader: Reader, *, is_up: bool) -> list[Family]:
    """Say how far each kind of record was watched: of a daemon that lives, up to its last write."""
    found, scope = recorded(reader), reader.scope
    end_ns = min(scope.until_ns, reader.now_ns)
    judged: dict[str, Coverage] = {}
    times: dict[str, tuple[int, int]] = {}
    for what in _WATCHED:
        if what != "software" and not any(watch.what == what for watch in found.watches):
            continue
        coverage = assess(found, (scope.since_ns, end_ns), what)
        until_ns = min(coverage.written_until_ns or end_ns, end_ns) if is_up else end_ns
        if scope.since_ns < until_ns < end_ns:  # the last seconds are not written yet, and that is as it should be
            coverage = assess(found, (scope.since_ns, until_ns), what)
        else:
            until_ns = end_ns
        watched_ns = coverage.watched_ns((scope.since_ns, until_ns))
        judged[what] = coverage
        times[what] = watched_ns, coverage.passed_ns((scope.since_ns, until_ns)) - watched_ns
    return [
        Family("dropwatchd_window_seconds", "gauge", "How long a time the metrics below speak of.",
               [Sample({}, (end_ns - scope.since_ns) / NANO)]),
        Family("dropwatchd_coverage_ratio", "gauge",
               f"Which part of the time was watched, 0 to 1, {_WINDOW}: drops of software and hardware, sampled "
               "packets, and counters.",
               [Sample({"watched": what}, one.fraction) for what, one in judged.items()]),
        Family("dropwatchd_watched_seconds", "gauge", f"How many seconds were watched, {_WINDOW}.",
               _seconds({what: watched_ns for what, (watched_ns, _unseen) in times.items()})),
        Family("dropwatchd_unseen_seconds", "gauge", f"How many seconds were not watched, {_WINDOW}.",
               _seconds({what: unseen_ns for what, (_watched, unseen_ns) in times.items()})),
        *_gaps(judged["software"]),
    ]


def _seconds(watched: Mapping[str, int]) -> list[Sample]:
    return [Sample({"watched": what}, round(time_ns / NANO, 3)) for what, time_ns in watched.items()]


def _gaps(coverage: Coverage) -> list[Family]:
    number: Counter[Labels] = Counter()
    lost: Counter[Labels] = Counter()
    unknown = 0
    for gap in coverage.own:
        cause = gap.cause if gap.cause in _CAUSES else OTHER
        number[("cause", cause), ("effect", gap.effect)] += 1
        if gap.effect != "detail":
            lost[(("cause", cause),)] += gap.lost or 0
            unknown += gap.lost is None
    return [
        Family("dropwatchd_gaps", "gauge", f"Gaps in the record of drops, {_WINDOW}.", _samples(number)),
        Family("dropwatchd_gap_lost_packets", "gauge", f"Drops that gaps are known to have lost, {_WINDOW}.",
               _samples(lost)),
        Family("dropwatchd_gaps_of_unknown_loss", "gauge", "Gaps that may have lost drops, nobody knows how many, "
               f"{_WINDOW}.", [Sample({}, unknown)]),
    ]


def _samples(counts: Mapping[Labels, int]) -> list[Sample]:
    return [Sample(dict(labels), count) for labels, count in counts.items()]


# What a label may be: the ledger of a history that others wrote could have any text.
_CAUSES = {*GapCause, NOT_RUNNING, NO_SOURCE, NOT_WATCHED, UNWRITTEN, NEVER_WAS, SET_BACK, TO_AND_FRO,
           *(text for text, _loses in LIMITS.values())}
