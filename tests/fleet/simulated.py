"""A host as its rows are: one kind of drop, once a second and more, ten counters that move, and watches."""

from typing import Any, NamedTuple

from dropwatchd.history.fleet.keys import key
from dropwatchd.model import NANO
from dropwatchd.upload.slice import Marks, Sent, Slice

MINUTE_NS = 60 * NANO
COUNTERS, WATCHES = 10, 24
_LATE_NS = 2 * MINUTE_NS  # what came late is sent again, as upload/read.py does
_LOCATION, _KIND = ("udp_queue_rcv_one_skb", 18, None, None), ("SOCKET_RCVBUFF", 2048, "software", None, None)
_BOOTED_NS = 61_306 * NANO


class Made(NamedTuple):
    """What the central history must have of a host in the end: of drops, of counter changes, of watches."""

    drops: int
    octets: int
    minutes: int
    moved: int
    changes: int
    watches: int
    watched_ns: int


class Host:
    """Makes what is to be sent of a host from `start_ns` on, which is a whole minute."""

    def __init__(self, number: int, start_ns: int) -> None:
        self.machine_id = f"{key('host', number) % 2**64:016x}" * 2
        self.key, self.name, self._number, self._start_ns = key(self.machine_id), f"host-{number}", number, start_ns
        self._run = key(self.machine_id, "run")
        self._counters = [(key(self.machine_id, name), "snmp", f"Udp{name}", None, None, None, "{}", False)
                          for name in range(COUNTERS)]
        self._watches = [(key(self._run, place), "software" if place == 0 else "counters",
                          f"of-{place}" if place else "bpf") for place in range(WATCHES)]

    def next(self, marks: Marks, now_ns: int, *, ended: bool = False) -> Slice:
        """Return what is not there by these marks; the last minute of counter changes may grow, but at the end."""
        sent = marks.runs.get(self._run) or Sent()
        since_ns = min((part.until_ns for part in sent.watches.values()), default=self._start_ns)
        done = range(max(sent.changes_ns - self._start_ns, 0) // MINUTE_NS,
                     (now_ns - self._start_ns) // MINUTE_NS - (0 if ended else 1))
        interface = (key(self.machine_id, "eth0"), self.machine_id, None, 2, "eth0", "physical", "e1000", None,
                     self._start_ns, self._start_ns)
        first = (max(since_ns - _LATE_NS, self._start_ns) - self._start_ns) // MINUTE_NS
        drops = [self._drop(minute, interface[0], now_ns)
                 for minute in range(first, -(-(now_ns - self._start_ns) // MINUTE_NS))]
        rows: dict[str, Any] = {
            "locations": [(key(*_LOCATION), *_LOCATION)], "kinds": [(key(*_KIND), *_KIND)],
            "interfaces": [interface], "counters": self._counters, "drops": [row for row in drops if row[5]],
            "counter_changes": [(counter[0], self._end(minute), self._end(minute - 1), self._moved(minute, place))
                                for minute in done for place, counter in enumerate(self._counters)],
            "watches": [(own, 0, place, what, name, None, self._start_ns, until_ns, _BOOTED_NS,
                         until_ns - self._start_ns + _BOOTED_NS - place, "[]", "")
                        for place, (own, what, name) in enumerate(self._watches)
                        for until_ns in [self._watched(place, now_ns)]]}
        changes_ns = self._end(done[-1]) if done else sent.changes_ns
        return Slice(self.machine_id, self.name, self._run,
                     (self.machine_id, self.name, "6.18.0", "0", self._start_ns, None, None), changes_ns,
                     max(changes_ns, sent.reach_ns), rows=rows)

    def made(self, end_ns: int) -> Made:
        """Return what there must be, once all up to a whole minute was sent."""
        minutes = range((end_ns - self._start_ns) // MINUTE_NS)
        drops = sum(self._dropped(minute, 60) for minute in minutes)
        return Made(drops, 100 * drops, len(minutes),
                    sum(self._moved(minute, place) for minute in minutes for place in range(COUNTERS)),
                    COUNTERS * len(minutes), WATCHES, sum(self._watched(place, end_ns) - self._start_ns
                                                          for place in range(WATCHES)))

    def _drop(self, minute: int, interface: int, now_ns: int) -> tuple[int, ...]:
        begin_ns = self._end(minute - 1)
        seconds = min((now_ns - begin_ns) // NANO, 60)
        many = self._dropped(minute, seconds)
        return (key(*_LOCATION), key(*_KIND), interface, begin_ns, MINUTE_NS, many, 100 * many,
                begin_ns + 123_456_789, begin_ns + max(seconds - 1, 0) * NANO + 987_654_321)

    def _end(self, minute: int) -> int:
        return self._start_ns + (minute + 1) * MINUTE_NS

    def _dropped(self, minute: int, seconds: int) -> int:
        return seconds * (1 + (self._number + minute) % 3)

    def _moved(self, minute: int, place: int) -> int:
        return 1 + (7 * self._number + 3 * minute + place) % 90

    @staticmethod
    def _watched(place: int, now_ns: int) -> int:
        """Return up to when a watch went: collectors are read one after another."""
        return now_ns - 15_000_000 + 412_345 * place


# What there is of each host, in the order of Made.
SUMS = """
    SELECT host, d.drops::bigint, d.octets::bigint, d.many, c.moved::bigint, c.many, w.many, w.watched::bigint
    FROM (SELECT host, sum(count) AS drops, sum(bytes) AS octets, count(*) AS many FROM dropwatch.drops GROUP BY host) d
    FULL JOIN (SELECT host, sum(delta) AS moved, count(*) AS many FROM dropwatch.counter_changes GROUP BY host) c
              USING (host)
    FULL JOIN (SELECT host, sum(until_ns - since_ns) AS watched, count(*) AS many
               FROM dropwatch.watches GROUP BY host) w USING (host)"""
