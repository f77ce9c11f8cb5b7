"""When packet mode is affordable: off when a storm begins, on again when it has been over for a while."""

from collections import deque

from dropwatchd.sources.net_dm.options import Mode, StormLimits

_HOUR_S = 3600


class Guard:
    """Says which mode fits the rate of alerts. Pure: time comes in, the mode comes out."""

    def __init__(self, limits: StormLimits) -> None:
        self.mode: Mode = "packet"
        self._limits = limits
        self._calm_since: float | None = None
        self._changes: deque[float] = deque()

    def observe(self, now_s: float, rate: float) -> Mode:
        """Take the alerts per second until now.

        A return to packet mode leaves room for one more change, so that the next storm can always be answered.
        """
        while self._changes and now_s - self._changes[0] >= _HOUR_S:
            self._changes.popleft()
        if self.mode == "packet":
            if 0 < self._limits.alerts < rate:
                self._change("summary", now_s)
        elif rate > self._limits.alerts / 2:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now_s
        elif now_s - self._calm_since >= self._limits.calm_s and self._may_return():
            self._change("packet", now_s)
        return self.mode

    def _may_return(self) -> bool:
        return len(self._changes) + 2 <= self._limits.changes_per_hour

    def _change(self, mode: Mode, now_s: float) -> None:
        self.mode = mode
        self._calm_since = None
        self._changes.append(now_s)
