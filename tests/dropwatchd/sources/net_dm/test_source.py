"""What the source says where it cannot run."""

import errno
from collections.abc import Iterator
from contextlib import closing

import pytest

from dropwatchd.sources import UnavailableError
from dropwatchd.sources.net_dm.control import Control
from dropwatchd.sources.net_dm.options import NetDmOptions
from dropwatchd.sources.net_dm.source import NetDmSource, unavailable


@pytest.fixture
def no_drop_monitor() -> Iterator[None]:
    try:
        with closing(Control()):
            pytest.skip("this kernel has the drop monitor: the guests test it")
    except ModuleNotFoundError:
        yield


@pytest.mark.usefixtures("no_drop_monitor")
def test_without_the_module_it_says_what_to_do() -> None:
    """No kernel without drop_monitor makes the daemon fail with a traceback."""
    with pytest.raises(UnavailableError, match="modprobe drop_monitor"):
        NetDmSource().open()


@pytest.mark.parametrize(("number", "remedy"), [
    (errno.EPERM, "net_dm.conf"), (errno.EOPNOTSUPP, "software drops"), (errno.EINVAL, "bpf"),
])
def test_each_refusal_has_a_remedy(number: int, remedy: str) -> None:
    """What the kernel answers becomes what a person can do."""
    assert remedy in unavailable(OSError(number, "refused")).remedy


@pytest.mark.parametrize(("software", "hardware", "origins"), [
    (True, False, ("software",)), (False, True, ("hardware",)), (True, True, ("software", "hardware")),
])
def test_origins(*, software: bool, hardware: bool, origins: tuple[str, ...]) -> None:
    """Hardware drops can be recorded alone, beside another source of software drops."""
    assert NetDmOptions(software=software, hardware=hardware).origins == origins
