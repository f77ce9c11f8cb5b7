"""Dumps of generic netlink families that statistics come from, found by name without loading any."""

import struct

from dropwatchd.kernel.netlink import GENERIC, Message, Netlink, attributes, text

HEADER = struct.Struct("=BBH")  # struct genlmsghdr: command, version, reserved
_CONTROLLER, _GETFAMILY = 16, 3  # GENL_ID_CTRL, CTRL_CMD_GETFAMILY
_FAMILY_ID, _FAMILY_NAME = 1, 2


def dump(name: str, *requests: tuple[int, bytes]) -> list[Message]:
    """Return the answers of a family to (command, body), one request after the other.

    Raises LookupError where the kernel has no such family. All families are listed to find it: asking for one by name
    may make the kernel load a module.
    """
    with Netlink(GENERIC) as netlink:
        family = _family(netlink, name)
        dumps = [netlink.dump(family, HEADER.pack(command, 1, 0) + body) for command, body in requests]
    return [message for messages in dumps for message in messages]


def _family(netlink: Netlink, name: str) -> int:
    for _type, payload in netlink.dump(_CONTROLLER, HEADER.pack(_GETFAMILY, 1, 0)):
        found = dict(attributes(payload, HEADER.size))
        if text(found[_FAMILY_NAME]) == name:
            return int(struct.unpack("=H", found[_FAMILY_ID])[0])
    raise LookupError(f"this kernel has no {name}, or it is not loaded")
