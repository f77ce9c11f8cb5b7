"""Which host and which boot this is, and where collectors may read."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dropwatchd.kernel import netns
from dropwatchd.kernel.links import Link, present_links


@dataclass(frozen=True)
class Host:
    """The roots that collectors read below in one round, and the namespace that they show.

    A test hands them a recorded tree.
    """

    proc: Path = field(default=Path("/proc"))
    sys: Path = field(default=Path("/sys"))
    netns: int = field(default_factory=lambda: netns.own().number)

    @cached_property
    def links(self) -> Mapping[int, Link]:
        """The devices, ifindex -> link, listed once for all who read about them in a round."""
        return present_links()

    def names(self) -> dict[int, str]:
        """Return ifindex -> name of these."""
        return {ifindex: link.name for ifindex, link in self.links.items()}


@dataclass(frozen=True, slots=True)
class Identity:
    """Natural keys of a host and one boot of it."""

    hostname: str
    machine_id: str
    boot_id: str
    kernel: str


def identity() -> Identity:
    """Read who we are; a host without a machine id is known by its name."""
    hostname = socket.gethostname()
    return Identity(
        hostname=hostname,
        machine_id=_read(Path("/etc/machine-id")) or hostname,
        boot_id=_read(Path("/proc/sys/kernel/random/boot_id")),
        kernel=os.uname().release,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
