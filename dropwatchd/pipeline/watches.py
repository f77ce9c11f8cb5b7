"""What is being watched, and until when: the positive record that coverage rests on."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dropwatchd.kernel.clock import at_wall, step_ns
from dropwatchd.model import Gap, Instant, Watch, Watching

STEPPED = "the clock was set"


class Watches:
    """The open watches of one thread. Each call returns what is to be written with what was seen until then."""

    def __init__(self) -> None:
        self._open: dict[Watching, Watch] = {}

    def until(self, watching: Watching) -> Instant | None:
        """Return up to when something is on record to be watched, None where it is not."""
        held = self._open.get(watching)
        return held.until if held else None

    def resume(self, watching: Watching, since: Instant, limits: tuple[str, ...] = ()) -> None:
        """Have something watched since a moment at which a run before us was killed."""
        self._open[watching] = Watch(watching, since, since, limits)

    def extend(self, watching: Watching, until: Instant, limits: tuple[str, ...] = ()) -> Iterator[Watch]:
        """Watch on, up to a moment; begin there where nothing was watched, or where it has other limits from now on.

        Over a wall clock that was set the time since boot goes on: the old watch ends and a new one joins it. A moment
        before the last is no news.
        """
        held = self._open.get(watching)
        if held and until.boot_ns < held.until.boot_ns:
            return
        if held and (step := step_ns(held.until, until)):
            yield replace(held, ending=STEPPED)
            since = _joining(held, step)
        elif held and held.limits != limits:
            yield replace(held, ending="its limits changed")
            since = _joining(held)
        else:
            since = held.since if held else until
        self._open[watching] = Watch(watching, since, _later(since, until), limits)
        yield self._open[watching]

    def interrupt(self, gaps: Iterable[Gap], watching: Watching) -> Iterator[Watch]:
        """Take out the time in which nothing was seen: end before each gap, and begin anew behind it."""
        held = self._open.get(watching)
        seen = held.until if held else None
        for gap in sorted(gaps, key=lambda gap: gap.since_ns):
            until, behind = at_wall(gap.since_ns), at_wall(gap.until_ns)
            if held:
                until = _later(held.since, min(until, seen or held.until, key=_boot_ns))
                yield replace(held, until=until, ending=gap.cause)
                behind = _later(held.since, behind)
            self._open[watching] = held = Watch(watching, behind, behind, held.limits if held else ())

    def end(self, watching: Watching, why: str) -> Iterator[Watch]:
        """Watch no longer: what is on record stays."""
        held = self._open.pop(watching, None)
        if held:
            yield replace(held, ending=why)

    def end_all(self, why: str) -> Iterator[Watch]:
        """Watch nothing any more."""
        for watching in list(self._open):
            yield from self.end(watching, why)


def _joining(held: Watch, step: int = 0) -> Instant:
    """Return where the next watch begins. Watches are known by their begin, also after one of no length."""
    return Instant(held.until.wall_ns + step, held.until.boot_ns + (held.since == held.until))


def _boot_ns(moment: Instant) -> int:
    return moment.boot_ns


def _later(one: Instant, other: Instant) -> Instant:
    return max(one, other, key=_boot_ns)
