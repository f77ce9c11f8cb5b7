"""Alerts as the kernel writes them, encoded by pyroute2's classes."""

from typing import Any

from hypothesis import settings

from dropwatchd.sources.net_dm.messages import Command, NetDmMessage

FAMILY = 35
untimed = settings(deadline=None)  # a busy machine is no reason to fail


def message(command: Command, *attributes: tuple[str, Any]) -> bytes:
    """Encode any message of the family."""
    encoded = NetDmMessage()
    encoded["header"] = {"type": FAMILY, "flags": 0}
    encoded["cmd"], encoded["version"] = command, 2
    encoded["attrs"] = [(f"NET_DM_ATTR_{name}", value) for name, value in attributes if value is not None]
    encoded.encode()
    return bytes(encoded.data)


def port(ifindex: int | None, name: str | None) -> dict[str, Any]:
    """Encode IN_PORT, which is empty for a packet that came from no device."""
    numbered = [("NET_DM_ATTR_PORT_NETDEV_IFINDEX", ifindex)] if ifindex else []
    return {"attrs": [*numbered, *([("NET_DM_ATTR_PORT_NETDEV_NAME", name)] if name else [])]}


def software(
    *, pc: int = 0xFFFFFFFF81000010, reason: str | None = "NO_SOCKET", symbol: str = "udp_rcv+0x10/0x20",
    ifindex: int = 1, time_ns: int = 1_700_000_000_000_000_000, length: int = 142, protocol: int = 0x0800,
    data: bytes = b"x" * 128,
) -> bytes:
    """Encode what net_dm_packet_report_fill writes: kernels before 5.18 give no reason."""
    return message(
        Command.PACKET_ALERT, ("ORIGIN", 0), ("PC", pc), ("REASON", reason), ("SYMBOL", symbol),
        ("IN_PORT", port(ifindex, None)), ("TIMESTAMP", time_ns), ("ORIG_LEN", length),
        ("PROTO", protocol if data else None), ("PAYLOAD", data or None),
    )


def hardware(
    *, trap: str = "blackhole_route", group: str = "l3_drops", ifindex: int = 2, name: str = "eth0",
    cookie: bytes = b"", time_ns: int = 1_700_000_000_000_000_000, length: int = 142, protocol: int = 0x0800,
    data: bytes = b"x" * 128,
) -> bytes:
    """Encode what net_dm_hw_packet_report_fill writes."""
    return message(
        Command.PACKET_ALERT, ("ORIGIN", 1), ("HW_TRAP_GROUP_NAME", group), ("HW_TRAP_NAME", trap),
        ("IN_PORT", port(ifindex, name)), ("FLOW_ACTION_COOKIE", cookie or None), ("TIMESTAMP", time_ns),
        ("ORIG_LEN", length), ("PROTO", protocol if data else None), ("PAYLOAD", data or None),
    )


def summary(*points: tuple[int, int]) -> bytes:
    """Encode a summary of software drops: (program counter, count) of each location."""
    return message(Command.ALERT, ("UNSPEC", list(points)))


def hardware_summary(*traps: tuple[str, int]) -> bytes:
    """Encode a summary of hardware drops, which starts with an empty one of software drops."""
    entries = [("NET_DM_ATTR_HW_ENTRY", {"attrs": [("NET_DM_ATTR_HW_TRAP_NAME", trap),
                                                   ("NET_DM_ATTR_HW_TRAP_COUNT", count)]}) for trap, count in traps]
    return message(Command.ALERT, ("UNSPEC", []), ("HW_ENTRIES", {"attrs": entries}))
