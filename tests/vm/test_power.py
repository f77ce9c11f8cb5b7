"""Power cuts at any moment: what was on record before is afterwards, and the ledger says that the host was down."""

import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.torture import large
from tests.torture.conftest import LONG
from tests.torture.outcome import Outcome
from tests.vm.conftest import TIMEOUT_S
from tests.vm.guest import Guest
from tests.vm.service import DATABASE, Service

CUTS = {"recording": 12, "migrating": 6, "folding": 6, "exporting": 6} if LONG else {"migrating": 1}
LONGEST_S = {"recording": 40.0, "migrating": 60.0, "folding": 90.0, "exporting": 60.0}
FINE_S = 5 * 3600
CRASHED = "crashed, and the host was started anew"


@pytest.fixture
def service(fresh_guest: Guest) -> Service:
    """The unit in place, in a guest of the test's own; its history may be as large as is made of it."""
    service = Service(fresh_guest)
    service.install()
    service.run("sed -i 's/^max_mib = .*/max_mib = 16/' /etc/dropwatchd/config.toml")
    return service


@pytest.mark.timeout(0 if LONG else TIMEOUT_S)
@pytest.mark.parametrize("what", CUTS)
def test_power_cuts(service: Service, tmp_path: Path, outcome: Callable[[str], Outcome], what: str) -> None:
    """The emulator is killed and its disk kept: the history opens, and no count is gone that was there."""
    told, chance = outcome(f"power cuts while {what}"), Random(what)
    old = 0
    if what != "recording":
        old = large.make(tmp_path / "old.db", FINE_S, large.OLDER if what == "migrating" else "")
        _put(service, tmp_path / "old.db")
    for _ in range(CUTS[what]):
        before = _begin(service, what)
        threading.Event().wait(chance.uniform(0, LONGEST_S[what]))
        service.guest.power_cut()
        service.guest.start()
        service.assert_history_is_sound()
        told.add(max(0, before - service.drops()) + (old - _old(service) if old else 0))
        assert told.lost == 0
        if what != "migrating":
            told.recover(lambda: service.run("systemctl start dropwatchd"))
            assert CRASHED in service.downtimes()
        service.run("systemctl stop dropwatchd")
    told.recover(lambda: service.run("systemctl start dropwatchd"))
    assert not old or _old(service) == old


def _put(service: Service, history: Path) -> None:
    shared = service.guest.share / history.name
    shared.write_bytes(history.read_bytes())
    service.run(f"install -D -o dropwatchd -g dropwatchd -m 640 /mnt/share/{history.name} {DATABASE} && "
                f"chown dropwatchd:dropwatchd {Path(DATABASE).parent} && sync")


def _begin(service: Service, what: str) -> int:
    """Begin what is to be cut off; return how many drops of now are on record before."""
    if what == "migrating":
        service.run("systemctl start --no-block dropwatchd")
        return 0
    service.run("systemctl start dropwatchd")
    before = service.record(10)
    if what == "recording":
        service.run("(for i in $(seq 5000); do echo > /dev/udp/127.0.0.1/9; done) > /dev/null 2>&1 &")
    if what == "exporting":
        service.run("(while dwreport drops --since 1d --format csv > /root/export.csv; do :; done) > /dev/null 2>&1 &")
    return before


def _old(service: Service) -> int:
    (row,) = service.query(large.COUNT)
    return int(next(iter(row.values())))
