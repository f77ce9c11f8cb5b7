"""What was not seen, and who had a hand in it: gaps and events from figures before and after, without any I/O."""

from collections.abc import Iterator

from dropwatchd.model import NANO, Effect, Event, Gap, GapCause, Origin, Record
from dropwatchd.sources.net_dm.options import Config, Hold

_SUMMARY_NS = NANO       # a summary covers a second, and is discarded when monitoring stops before it leaves
_FLOWING_NS = NANO // 10  # packets that came later than this before a stop may have had some behind them
_DISCARDED = "the kernel discards what it has not reported when monitoring stops"


class Ledger:
    """Remembers the last figures and the settings in force."""

    def __init__(self, origins: tuple[Origin, ...], hold: Hold, dropped: dict[Origin, int]) -> None:
        self._origins = origins
        self._scope = _scope(origins)
        self._dropped = dropped
        self._refused = 0
        self._listeners: list[str] = []
        self.config = hold.config

    def opened(self, now_ns: int, hold: Hold, listeners: list[str]) -> Iterator[Event]:
        """Say whose monitor we found running, if any."""
        if listeners:
            yield from self.shared(now_ns, listeners)
        elif hold.restarted or hold.started != self._origins:
            yield _event(now_ns, "adopted", "it had been left on by a program that has ended")

    def shared(self, now_ns: int, listeners: list[str]) -> Iterator[Event]:
        """Say who has come to listen as well, or has gone: nobody can change the settings while another listens."""
        if listeners != self._listeners:
            self._listeners = listeners
            with_whom = f"with {', '.join(listeners)}" if listeners else "no longer"
            yield _event(now_ns, "shared", f"{with_whom}: {_text(self.config)}")

    def losses(self, since_ns: int, until_ns: int, dropped: dict[Origin, int], missed: int) -> Iterator[Gap]:
        """Compare the kernel's counts of full queues with the last ones; `missed` messages found our socket full."""
        for origin in self._origins:
            if lost := dropped[origin] - self._dropped[origin]:
                yield Gap(since_ns, until_ns, GapCause.KERNEL_QUEUE, Effect.PARTIAL, lost, origin)
        self._dropped = dropped
        if missed:
            packets = self.config.mode == "packet"
            yield Gap(since_ns, until_ns, GapCause.SOCKET_OVERRUN, Effect.PARTIAL, missed if packets else None,
                      self._scope, "" if packets else f"{missed} summaries")

    def refused(self, now_ns: int, refused: int) -> Iterator[Event]:
        """Say that somebody sends us alerts that are not the kernel's: none of them was counted."""
        if more := refused - self._refused:
            self._refused = refused
            yield _event(now_ns, "forged alerts refused", f"{more} messages that the kernel did not send")

    def changes(self, since_ns: int, asked_ns: int, now_ns: int, hold: Hold, newest_ns: int) -> Iterator[Record]:
        """Say what was changed: by us at `asked_ns` when `hold.hurried`, else by another program after `since_ns`."""
        before = self.config
        self.config = hold.config
        if hold.restarted and hold.hurried:
            unreported_ns = _SUMMARY_NS if before.mode == "summary" else 0
            yield Gap(asked_ns - unreported_ns, now_ns, GapCause.STORM, Effect.BLIND, None, self._scope, _DISCARDED)
            yield _event(now_ns, f"{hold.config.mode} mode", "by the storm guard")
        elif hold.restarted or hold.config != before:
            yield Gap(since_ns, now_ns, GapCause.MODE_CHANGED, Effect.PARTIAL, None, self._scope)
            yield _event(now_ns, "changed by another program", f"now {_text(hold.config)}")
        elif hold.started:
            yield Gap(min(max(since_ns, newest_ns), now_ns), now_ns, GapCause.MONITORING_STOPPED, Effect.BLIND, None,
                      _scope(hold.started))
            yield _event(now_ns, "stopped by another program", "started again")

    def closed(self, newest_ns: int, stopped_ns: int, now_ns: int) -> Iterator[Gap]:
        """Say what was still on its way when we stopped."""
        if self.config.mode == "summary":
            newest_ns = stopped_ns - _SUMMARY_NS
        elif newest_ns < stopped_ns - _FLOWING_NS:
            return
        since_ns = min(newest_ns, stopped_ns)
        yield Gap(since_ns, now_ns, GapCause.DAEMON_DOWN, Effect.PARTIAL, None, self._scope, _DISCARDED)


def _event(now_ns: int, subject: str, detail: str) -> Event:
    return Event(now_ns, "drop monitor", subject, detail)


def _text(config: Config) -> str:
    return f"{config.mode} mode, truncated to {config.truncation} bytes, queues of {config.queue_length} packets"


def _scope(origins: tuple[Origin, ...]) -> str:
    return origins[0] if len(origins) == 1 else "drops"
