"""The messages of the netlink family NET_DM, as pyroute2 describes messages: for control, and to check the decoder."""

import struct
from enum import IntEnum, IntFlag

from pyroute2.netlink import NLA_F_NESTED, genlmsg, nla, nla_base_string, nla_string

FAMILY = "NET_DM"
GROUP = "events"
VERSION = 2


class Command(IntEnum):
    """NET_DM_CMD_* of include/uapi/linux/net_dropmon.h."""

    ALERT = 1
    CONFIG = 2
    START = 3
    STOP = 4
    PACKET_ALERT = 5
    CONFIG_GET = 6
    CONFIG_NEW = 7
    STATS_GET = 8
    STATS_NEW = 9


class Flag(IntFlag):
    """NLM_F_* of include/uapi/linux/netlink.h, as far as requests here need them."""

    REQUEST = 0x1
    ACK = 0x4
    DUMP = 0x300


class NetDmMessage(genlmsg):
    """Every message of the family: enum net_dm_attr of include/uapi/linux/net_dropmon.h."""

    prefix = "NET_DM_ATTR_"
    nla_map = (
        ("NET_DM_ATTR_UNSPEC", "points"),
        ("NET_DM_ATTR_ALERT_MODE", "uint8"),
        ("NET_DM_ATTR_PC", "uint64"),
        ("NET_DM_ATTR_SYMBOL", "asciiz"),
        ("NET_DM_ATTR_IN_PORT", "port"),
        ("NET_DM_ATTR_TIMESTAMP", "uint64"),
        ("NET_DM_ATTR_PROTO", "uint16"),
        ("NET_DM_ATTR_PAYLOAD", "cdata"),
        ("NET_DM_ATTR_PAD", "cdata"),
        ("NET_DM_ATTR_TRUNC_LEN", "uint32"),
        ("NET_DM_ATTR_ORIG_LEN", "uint32"),
        ("NET_DM_ATTR_QUEUE_LEN", "uint32"),
        ("NET_DM_ATTR_STATS", "stats"),
        ("NET_DM_ATTR_HW_STATS", "stats"),
        ("NET_DM_ATTR_ORIGIN", "uint16"),
        ("NET_DM_ATTR_HW_TRAP_GROUP_NAME", "asciiz"),
        ("NET_DM_ATTR_HW_TRAP_NAME", "asciiz"),
        ("NET_DM_ATTR_HW_ENTRIES", "entries"),
        ("NET_DM_ATTR_HW_ENTRY", "cdata"),
        ("NET_DM_ATTR_HW_TRAP_COUNT", "uint32"),
        ("NET_DM_ATTR_SW_DROPS", "flag"),
        ("NET_DM_ATTR_HW_DROPS", "flag"),
        ("NET_DM_ATTR_FLOW_ACTION_COOKIE", "cdata"),
        ("NET_DM_ATTR_REASON", "asciiz"),
    )

    class points(nla_string):  # noqa: N801 - pyroute2 finds the class by the name in nla_map
        """struct net_dm_alert_msg: a summary's number of locations, then (program counter, drops) of each."""

        point = struct.Struct("=QI")

        def encode(self) -> None:
            self["value"] = struct.pack("=I", len(self.value)) + b"".join(self.point.pack(*p) for p in self.value)
            nla_base_string.encode(self)

        def decode(self) -> None:
            nla_base_string.decode(self)
            self.value = list(self.point.iter_unpack(self["value"][4:]))

    class port(nla):  # noqa: N801
        """enum net_dm_attr of a port, which starts at 0."""

        nla_flags = NLA_F_NESTED
        nla_map = (("NET_DM_ATTR_PORT_NETDEV_IFINDEX", "uint32"), ("NET_DM_ATTR_PORT_NETDEV_NAME", "asciiz"))

    class stats(nla):  # noqa: N801
        """What the queues of all CPUs had no room for since the module was loaded."""

        nla_flags = NLA_F_NESTED
        nla_map = (("NET_DM_ATTR_STATS_DROPPED", "uint64"),)

    class entries(nla):  # noqa: N801
        """The traps of a hardware summary."""

        nla_flags = NLA_F_NESTED
        nla_map = ((18, "NET_DM_ATTR_HW_ENTRY", "entry"),)

        class entry(nla):  # noqa: N801
            """One trap, and how many packets it reported."""

            nla_flags = NLA_F_NESTED
            nla_map = (
                (16, "NET_DM_ATTR_HW_TRAP_NAME", "asciiz"),
                (19, "NET_DM_ATTR_HW_TRAP_COUNT", "uint32"),
            )
