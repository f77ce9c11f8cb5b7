"""Devices that can say which packets their hardware drops, and how often it failed: devlink, over generic netlink."""

from dropwatchd.kernel import generic
from dropwatchd.kernel.generic import HEADER
from dropwatchd.kernel.netlink import Message

__all__ = ["HEADER", "reporters", "traps"]
_HEALTH_REPORTER_GET, _TRAP_GET, _TRAP_POLICER_GET = 52, 61, 69  # DEVLINK_CMD_* of include/uapi/linux/devlink.h


def traps() -> list[Message]:
    """Return DEVLINK_CMD_TRAP_NEW and DEVLINK_CMD_TRAP_POLICER_NEW of all devices in this thread's namespace.

    Raises LookupError where the kernel has no devlink.
    """
    return generic.dump("devlink", (_TRAP_GET, b""), (_TRAP_POLICER_GET, b""))


def reporters() -> list[Message]:
    """Return DEVLINK_CMD_HEALTH_REPORTER_GET of all devices in this thread's namespace. Raises as traps() does."""
    return generic.dump("devlink", (_HEALTH_REPORTER_GET, b""))
