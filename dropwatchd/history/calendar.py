"""What day it is, as far as the history may rely on it."""

from dropwatchd.model import NANO, Instant

HOUR_NS, DAY_NS = 3600 * NANO, 86_400 * NANO


class Calendar:
    """What day it is: what is expired does not come back when the clock does.

    A clock that is ahead of the newest that was recorded is believed when a run has gone by it for a day; until then
    the time since boot is added to that newest.
    """

    def __init__(self, started: Instant, newest_ns: int) -> None:
        self._newest_ns = newest_ns
        self._started = self._last = started

    def trusted_ns(self, now: Instant) -> int:
        """Return the time by which rows may expire."""
        step_ns = (now.wall_ns - now.boot_ns) - (self._last.wall_ns - self._last.boot_ns)
        if abs(step_ns) >= NANO:  # the clock was set: it has to prove itself anew
            self._newest_ns = min(self.trusted_ns(self._last), now.wall_ns)
            self._started = now
        self._last = now
        elapsed_ns = now.boot_ns - self._started.boot_ns
        return now.wall_ns if elapsed_ns >= DAY_NS else min(now.wall_ns, self._newest_ns + elapsed_ns)
