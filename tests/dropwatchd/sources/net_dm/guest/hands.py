"""What others do to the drop monitor, and to a switch whose traps it reports."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from recording import until  # type: ignore[import-not-found] # in the script's own folder

from dropwatchd.model import DropKey, Origin
from dropwatchd.sources.net_dm.control import Control
from dropwatchd.sources.net_dm.options import Config
from dropwatchd.sources.net_dm.ownership import listening

DEFAULT = Config("summary", 0, 1000)  # of a module that was just loaded
_TRAP = "blackhole_route"
_DEVICE = "netdevsim/netdevsim1"
_GROUP = 1
_ORIGINS: tuple[Origin, ...] = ("software", "hardware")


@contextmanager
def control() -> Iterator[Control]:
    with closing(Control()) as opened:
        yield opened


def state() -> tuple[Config, bool]:
    """Return how the monitor is set up, and whether it is on: what is set now can be set again only when it is off."""
    with control() as monitor:
        config = monitor.config()
        return config, not monitor.configure(config)


def stop() -> None:
    with control() as monitor:
        for origin in _ORIGINS:
            monitor.stop(origin)


def configure(config: Config) -> None:
    """Switch off, and set up."""
    stop()
    with control() as monitor:
        assert monitor.configure(config)


def leave_on(config: Config) -> None:
    """Set the monitor up and leave it on without listening, as a program that was killed does."""
    stop()
    with control() as monitor:
        monitor.configure(config)
        monitor.start("software")


@contextmanager
def dwdump() -> Iterator[subprocess.Popen[bytes]]:
    """Another program that monitors software drops."""
    before = listening(_GROUP)
    running = subprocess.Popen(["dwdump", "-o", "sw", "-w", "/dev/null"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: listening(_GROUP) - before and state()[1], "dwdump")
        yield running
    finally:
        running.kill()
        running.wait()


def devlink(*arguments: str) -> str:
    return subprocess.run(["devlink", *arguments], check=True, capture_output=True, text=True).stdout


def set_trap(action: str) -> None:
    devlink("trap", "set", _DEVICE, "trap", _TRAP, "action", action)


def is_trapped(key: DropKey) -> bool:
    return key.kind.trap == _TRAP


def trapped() -> int:
    """Return how many packets devlink has counted for the trap."""
    shown = json.loads(devlink("-j", "-s", "trap", "show", _DEVICE, "trap", _TRAP))
    return int(shown["trap"][_DEVICE][0]["stats"]["rx"]["packets"])


@contextmanager
def switch() -> Iterator[None]:
    """A simulated switch with one port that is up; its other traps are silent."""
    subprocess.run(["modprobe", "netdevsim"], check=True)
    before = set(Path("/sys/class/net").iterdir())
    Path("/sys/bus/netdevsim/new_device").write_text("1 1")
    try:
        until(lambda: set(Path("/sys/class/net").iterdir()) - before, "the port")
        port, = set(Path("/sys/class/net").iterdir()) - before
        subprocess.run(["ip", "link", "set", port.name, "up"], check=True)
        yield
    finally:
        Path("/sys/bus/netdevsim/del_device").write_text("1")
