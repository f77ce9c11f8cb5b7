"""When a host sends: at a time of its own, and more seldom the longer the server has been away."""

import random

_LONGEST_S = 3600  # between two tries, however long the server has been away


class Pace:
    """Hosts that start at once do not send at once, and stay apart.

    A server that is back has heard of all hosts within an interval, or half the time that it was away.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._failed_s: float | None = None

    def first(self) -> float:
        """Return how long to wait at first."""
        return random.uniform(0, self._interval_s)  # noqa: S311 - no secret

    def next(self, now_s: float, *, sent: bool) -> float:
        """Return how long to wait after sending, or failing to, at a time of a clock that never goes back."""
        if sent or self._failed_s is None:
            self._failed_s = None if sent else now_s
        away_s = 0 if self._failed_s is None else now_s - self._failed_s
        return max(self._interval_s, min(away_s / 2, _LONGEST_S)) * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
