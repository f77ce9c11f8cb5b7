"""Time that nobody can set: to be kept, and turned into wall-clock time when it is told."""

import time


def boot_ns() -> int:
    """Return the time since the boot, suspension included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def to_wall_ns() -> int:
    """Return what is to be added to a time since the boot, for the wall-clock time as it is set now."""
    return time.time_ns() - boot_ns()
