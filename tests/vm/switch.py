"""A simulated switch in a guest, one of whose devlink traps reports packets while it is told to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.vm.service import Service

_BUS = "/sys/bus/netdevsim"
_DEVICE, _TRAP = "netdevsim/netdevsim1", "blackhole_route"


@dataclass(frozen=True)
class Trap:
    """The trap, and what the service has recorded of it."""

    service: Service

    def set(self, action: str) -> None:
        """Have its packets reported ("trap") or not ("drop")."""
        self.service.run(f"devlink trap set {_DEVICE} trap {_TRAP} action {action}")

    def count(self) -> int:
        """Return how many packets the driver itself has counted."""
        shown = json.loads(self.service.run(f"devlink -j -s trap show {_DEVICE} trap {_TRAP}"))
        return int(shown["trap"][_DEVICE][0]["stats"]["rx"]["packets"])

    def recorded(self) -> int:
        rows = self.service.query("SELECT trap, count FROM v_drops WHERE origin = 'hardware'")
        return sum(row["count"] for row in rows if row["trap"] == _TRAP)


@contextmanager
def switch(service: Service) -> Iterator[Trap]:
    """One port that is up; all other traps are silent."""
    service.run(f"modprobe netdevsim; echo 1 1 > {_BUS}/new_device; udevadm settle")
    try:
        port = service.run(f"ls {_BUS}/devices/netdevsim1/net").strip()
        service.run(f"ip link set {port} up")
        yield Trap(service)
    finally:
        service.run(f"echo 1 > {_BUS}/del_device")
