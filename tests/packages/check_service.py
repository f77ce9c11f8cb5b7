"""The packages in guests with systemd: installed, recording, replaced while packets drop, removed and purged."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd import __version__
from dropwatchd.sources.bpf.hold import NAMES
from tests.packages import contained
from tests.packages.debs import SOURCES, renumbered, repository
from tests.vm.guest import Guest
from tests.vm.image import Image, image
from tests.vm.recipe import RECIPES
from tests.vm.service import CONFIG, DATABASE, DEADLINE_S, DROP_INS, SLOW, Service

SEEN = "/mnt/share/debs"
BEFORE = os.environ.get("BEFORE")
"""The deb of an earlier release, to upgrade from; without one it is this one. Either is given a lower number."""

CHANGES_BY_ITSELF = ("/var/log/", "/var/cache/", "/var/lib/apt/", "/var/lib/dpkg/", "/tmp/", "/var/tmp/")


@pytest.fixture(params=["6.12", "6.1"], ids=["debian-13", "debian-12"])
def system(request: pytest.FixtureRequest) -> Image:
    return image(RECIPES[request.param])


@pytest.fixture
def built(system: Image, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The deb for this system: on Debian's own libraries, or with the environment inside."""
    if system.recipe.suite == "trixie":
        return Path(request.getfixturevalue("package"))
    (built,) = (path for path in contained.build(tmp_path / "built") if path.suffix == ".deb")
    return built


@pytest.fixture
def service(system: Image, built: Path) -> Iterator[Service]:
    """The service of a guest that has nothing of it yet, and can get packages."""
    with closing(Guest(system)) as guest:
        folder = guest.share / "debs"
        repository(system, built, folder, SEEN)
        shutil.copy(built, folder / "new.deb")
        renumbered(Path(BEFORE or built), f"{__version__}~before", folder / "old.deb")
        service = Service(guest.start())
        # Of the image, and for another way of installing.
        service.run("rm /usr/local/bin/dropwatchd /usr/local/bin/dwreport")
        _apt(service, "update")
        yield service


def test_it_is_installed_records_is_upgraded_and_goes(service: Service) -> None:
    """Enabled and started by the package; every drop is recorded once, also those while it is replaced."""
    before = _files(service)
    service.write(f"{DROP_INS}/slow.conf", SLOW)  # an emulated start may take its time
    _apt(service, "install", f"{SEEN}/old.deb")
    assert (service.show("ActiveState"), service.show("UnitFileState")) == ("active", "enabled")
    assert _version(service) == f"{__version__}~before"
    assert service.watched() == {("software", "bpf")}
    total, pid = service.record(1000), service.show("MainPID")
    with service.load() as dropped:
        service.until(lambda: service.drops() > total)
        _apt(service, "install", f"{SEEN}/new.deb")
        assert service.came_back(pid)
        upgraded = dropped()
        service.until(lambda: dropped() > upgraded + 100)
    service.until(lambda: service.drops() >= total + dropped())
    assert service.drops() == total + dropped()
    assert _version(service) == __version__
    assert service.endings() == ["stopped", None]
    assert service.downtimes() == ["stopped; drops were counted meanwhile, but when is not known"]
    assert service.show("NFileDescriptorStore") == str(len(NAMES) + 1)
    total = service.record(100)
    service.assert_history_is_sound()
    assert _attached(service)
    _apt(service, "remove", "dropwatchd")
    assert service.show("LoadState") in {"not-found", "masked"}
    assert not service.run("pgrep dropwatchd || true")
    assert not _attached(service)
    assert service.run(f"test -e {CONFIG}; dropwatchd --version 2>&1 || true").endswith("not found\n")
    assert service.drops() == total
    service.write("/etc/dropwatchd/upload.pgpass", "*:*:*:*:secret\n")  # as an administrator would
    assert "the history stays in /var/lib/dropwatchd" in _apt(service, "purge", "dropwatchd")
    assert service.drops() == total
    _apt(service, "autoremove", "--purge")
    service.run(f"rm -r {DROP_INS}")
    left = _files(service) - before
    assert {path for path in left if not path.startswith(DATABASE)} == {"/var/lib/dropwatchd"}
    assert "dropwatchd" in service.run("getent passwd dropwatchd")


def _apt(service: Service, *words: str) -> str:
    """Return what apt says; it knows the repository of this check alone."""
    options = f"-o Dir::Etc::sourcelist={SEEN}/{SOURCES} -o Dir::Etc::sourceparts=-"
    return service.guest.run("DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends "
                             f"{options} {' '.join(words)}", 3 * DEADLINE_S).stdout


def _attached(service: Service) -> str:
    """Return what any process, systemd with its store too, holds attached: bpf_link_show_fdinfo() in the kernel."""
    return service.run("grep -h '^tp_name:.*kfree_skb' /proc/[0-9]*/fdinfo/* 2>/dev/null || true")


def _version(service: Service) -> str:
    return service.run("dpkg-query --show --showformat '${Version}' dropwatchd")


def _files(service: Service) -> set[str]:
    """Return every path on the guest's disk, but for what changes by itself."""
    found = service.run("find / -xdev").splitlines()
    return {path for path in found if not path.startswith(CHANGES_BY_ITSELF)}
