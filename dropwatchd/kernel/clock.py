"""Both clocks at once: the wall's, which may be set, and the one that counts since the boot, suspension included."""

import time

from dropwatchd.model import NANO, Instant

STEP_NS = NANO // 2  # against each other both clocks stand still, unless one is set (NTP slews both alike)


def now() -> Instant:
    """Return the present moment."""
    return Instant(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))


def at_wall(wall_ns: int) -> Instant:
    """Return the moment at which a wall clock that was not set since showed this time."""
    moment = now()
    return Instant(wall_ns, moment.boot_ns - (moment.wall_ns - wall_ns))


def step_ns(before: Instant, after: Instant) -> int:
    """Return by how much the wall clock was set between two moments, 0 where it was not."""
    step = (after.wall_ns - after.boot_ns) - (before.wall_ns - before.boot_ns)
    return step if abs(step) >= STEP_NS else 0
