"""Both clocks at once: the wall's, which may be set, and the one that counts since the boot, suspension included."""

import time

from dropwatchd.model import NANO, Instant

STEP_NS = NANO // 2  # against each other both clocks stand still, unless one is set (NTP slews both alike)
_AT_ONCE_NS = 20_000
_TRIES = 10


def now() -> Instant:
    """Return the present moment: two clocks cannot be read at once, but between two looks at the other one."""
    best_ns, found = 1 << 62, Instant(0, 0)
    for _ in range(_TRIES):
        before_ns, wall_ns, after_ns = boot_ns(), time.time_ns(), boot_ns()
        if after_ns - before_ns < best_ns:
            best_ns, found = after_ns - before_ns, Instant(wall_ns, (before_ns + after_ns) // 2)
        if best_ns < _AT_ONCE_NS:
            break
    return found


def boot_ns() -> int:
    """Return the time since the boot, suspension included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def to_wall_ns() -> int:
    """Return what is to be added to a time since the boot, for the wall-clock time as it is set now."""
    moment = now()
    return moment.wall_ns - moment.boot_ns


def at_wall(wall_ns: int) -> Instant:
    """Return the moment at which a wall clock that was not set since showed this time."""
    return Instant(wall_ns, wall_ns - to_wall_ns())


def step_ns(before: Instant, after: Instant) -> int:
    """Return by how much the wall clock was set between two moments, 0 where it was not."""
    step = (after.wall_ns - after.boot_ns) - (before.wall_ns - before.boot_ns)
    return step if abs(step) >= STEP_NS else 0
