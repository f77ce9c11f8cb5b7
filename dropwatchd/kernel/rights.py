"""What this process may do: its capabilities, and what the kernel was locked down to."""

from enum import IntEnum
from pathlib import Path


class Capability(IntEnum):
    """CAP_* of include/uapi/linux/capability.h, as far as sources need them."""

    CAP_NET_ADMIN = 12
    CAP_SYS_ADMIN = 21
    CAP_PERFMON = 38
    CAP_BPF = 39


def missing(*needed: Capability, status: Path = Path("/proc/self/status")) -> list[str]:
    """Return the names of those that are not in force. CAP_SYS_ADMIN contains CAP_BPF and CAP_PERFMON."""
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    held = int(lines["CapEff"], 16)
    able = {capability for capability in Capability if held >> capability & 1}
    if Capability.CAP_SYS_ADMIN in able:
        able |= {Capability.CAP_BPF, Capability.CAP_PERFMON}
    return [capability.name for capability in needed if capability not in able]


def lockdown(security: Path = Path("/sys/kernel/security")) -> str:
    """Return "none", "integrity" or "confidentiality" (kernel_lockdown(7)); "none" where nothing says so."""
    try:
        words = (security / "lockdown").read_text().split()
    except OSError:
        return "none"
    return next((word.strip("[]") for word in words if word.startswith("[")), "none")
