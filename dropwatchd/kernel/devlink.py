"""Devices that can say which packets their hardware drops: devlink's packet traps, over generic netlink."""

import struct

from dropwatchd.kernel.netlink import GENERIC, Message, Netlink, attributes, text

HEADER = struct.Struct("=BBH")  # struct genlmsghdr: command, version, reserved
_CONTROLLER, _GETFAMILY = 16, 3  # GENL_ID_CTRL, CTRL_CMD_GETFAMILY
_FAMILY_ID, _FAMILY_NAME = 1, 2
_TRAP_GET, _TRAP_POLICER_GET = 61, 69  # DEVLINK_CMD_* of include/uapi/linux/devlink.h


def traps() -> list[Message]:
    """Return DEVLINK_CMD_TRAP_NEW and DEVLINK_CMD_TRAP_POLICER_NEW of all devices in this thread's namespace.

    Raises LookupError where the kernel has no devlink. All families are listed to find it: asking for one by name may
    make the kernel load a module.
    """
    with Netlink(GENERIC) as netlink:
        family = _family(netlink)
        commands = (HEADER.pack(command, 1, 0) for command in (_TRAP_GET, _TRAP_POLICER_GET))
        return [message for command in commands for message in netlink.dump(family, command)]


def _family(netlink: Netlink) -> int:
    for _type, payload in netlink.dump(_CONTROLLER, HEADER.pack(_GETFAMILY, 1, 0)):
        found = dict(attributes(payload, HEADER.size))
        if text(found[_FAMILY_NAME]) == "devlink":
            return int(struct.unpack("=H", found[_FAMILY_ID])[0])
    raise LookupError("this kernel has no devlink")
