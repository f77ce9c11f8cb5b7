"""Packets that the hardware drops and reports through a devlink trap, as a simulated switch does ten times a second."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gallery.namespace import Namespace, command, wait_for
from tests.gallery.scenario import MissingError, Scenario
from tests.gallery.stage import Stage

COUNT = 5
NUMBER = 77
DEVICE, TRAP = f"netdevsim/netdevsim{NUMBER}", "blackhole_route"
BUS = Path("/sys/bus/netdevsim")


def prepare(stage: Stage) -> None:
    """Have the switch there when the daemon starts, which looks for traps then."""
    stage.keep(_switch())


def provoke(stage: Stage) -> int:
    command(f"devlink dev reload {DEVICE} netns {stage.host.name}")
    port = next(iter(json.loads(stage.host.command("devlink -j port show"))["port"].values()))["netdev"]
    stage.host.command(f"ip link set {port} name hw0")
    stage.host.command("ip link set hw0 up")
    stage.indexes["host", "hw0"] = json.loads(stage.host.command("ip -j link show hw0"))[0]["ifindex"]
    stage.host.command(f"devlink trap set {DEVICE} trap {TRAP} action trap")
    wait_for(lambda: _trapped(stage.host) >= COUNT, "the switch has reported packets")
    stage.host.command(f"devlink trap set {DEVICE} trap {TRAP} action drop")
    return _trapped(stage.host)


@contextmanager
def _switch() -> Iterator[None]:
    try:
        command("modprobe netdevsim")
    except (RuntimeError, OSError) as error:
        raise MissingError(f"there is no simulated switch here ({error})") from error
    (BUS / "new_device").write_text(f"{NUMBER} 1")
    try:
        yield
    finally:
        (BUS / "del_device").write_text(str(NUMBER))


def _trapped(host: Namespace) -> int:
    shown = json.loads(host.command(f"devlink -j -s trap show {DEVICE} trap {TRAP}"))["trap"]
    return int(next(iter(shown.values()))[0]["stats"]["rx"]["packets"])


SCENARIO = Scenario(
    "hardware trap", provoke, prepare=prepare, reasons=(), locations=(), interface="hw0", trap=TRAP, module="netdevsim",
)
