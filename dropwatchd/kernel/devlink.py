"""Devices that can say which packets their hardware drops: devlink's packet traps, over generic netlink."""

from dropwatchd.kernel import generic
from dropwatchd.kernel.generic import HEADER
from dropwatchd.kernel.netlink import Message

__all__ = ["HEADER", "traps"]
_TRAP_GET, _TRAP_POLICER_GET = 61, 69  # DEVLINK_CMD_* of include/uapi/linux/devlink.h


def traps() -> list[Message]:
    """Return DEVLINK_CMD_TRAP_NEW and DEVLINK_CMD_TRAP_POLICER_NEW of all devices in this thread's namespace.

    Raises LookupError where the kernel has no devlink.
    """
    return generic.dump("devlink", (_TRAP_GET, b""), (_TRAP_POLICER_GET, b""))
