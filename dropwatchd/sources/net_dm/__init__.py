"""Drops from the kernel's drop monitor over netlink: in software, and in hardware through devlink traps."""
