"""Drops from the kernel's drop monitor over netlink: in software, and in hardware through devlink traps."""

from dropwatchd.sources.net_dm.options import NetDmOptions
from dropwatchd.sources.net_dm.source import NetDmSource

__all__ = ["NetDmOptions", "NetDmSource"]
