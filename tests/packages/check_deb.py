"""The Debian package of Debian 13: built, looked at, installed, recording, upgraded, removed and purged, in a root."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd import __version__
from tests.gallery.namespace import Namespace
from tests.packages import deb
from tests.packages.roots import Root, covered, made
from tests.packages.trial import STATE, drop, make_state, recorded, recording

HISTORY = f"{STATE}/history.db"
CONFIG = "/etc/dropwatchd/config.toml"
ENABLED = "/etc/systemd/system/multi-user.target.wants/dropwatchd.service"


@pytest.fixture
def root() -> Iterator[Root]:
    """A Debian 13 as it is after installation, with systemd, which does not run here."""
    with covered(made("trixie", "trixie", ("systemd", "iproute2", "kmod", "man-db"))) as root:
        yield root


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace(f"packages-{os.getpid()}") as namespace:
        yield namespace


def _install(root: Root, package: Path) -> str:
    root.inside(f"/tmp/{package.name}").write_bytes(package.read_bytes())
    return root.run("apt-get", "install", "--yes", "--no-install-recommends", f"/tmp/{package.name}")


def _newer(root: Root, package: Path) -> Path:
    """Return the same package under the next version's number."""
    root.inside("/tmp/one.deb").write_bytes(package.read_bytes())
    root.run("sh", "-ec", "cd /tmp; dpkg-deb -R one.deb two; sed -i 's/^Version: .*/&+next/' two/DEBIAN/control; "
             "dpkg-deb --root-owner-group -b two two.deb")
    return root.inside("/tmp/two.deb")


def test_it_is_installed_records_is_upgraded_and_goes(package: Path, root: Root, namespace: Namespace) -> None:
    """Every drop is recorded, also while the package is replaced; the history goes when that is asked for."""
    before = _files(root)
    _install(root, package)
    assert root.run("dropwatchd", "--version") == f"dropwatchd {__version__}\n"
    assert root.inside(ENABLED).is_symlink()
    assert "dropwatchd" in root.run("getent", "passwd", "dropwatchd")
    make_state(root)
    checked = root.run("dropwatchd", "--check")
    assert re.search(r"^source +bpf +yes", checked, flags=re.MULTILINE), checked
    with recording(root):
        drop(namespace, 300)
        _install(root, _newer(root, package))
        drop(namespace, 200)
    assert recorded(root, namespace) == 500
    assert "+next" in root.run("dpkg-query", "-W", "dropwatchd")
    with recording(root):
        drop(namespace, 70)
    assert recorded(root, namespace) == 570
    assert "NO_SOCKET" in root.run("dwreport", "drops", "--since", "1h")
    root.run("apt-get", "remove", "--yes", "dropwatchd")
    assert not root.inside("/usr/bin/dropwatchd").exists()
    assert root.inside(CONFIG).exists()
    assert root.inside(HISTORY).exists()
    assert "the history stays in /var/lib/dropwatchd" in root.run("apt-get", "purge", "--yes", "dropwatchd")
    assert root.inside(HISTORY).exists()
    root.run("apt-get", "autoremove", "--purge", "--yes")
    assert {path for path in _files(root) - before if "dropwatchd" in path} == {STATE, HISTORY}


def test_a_changed_configuration_stays_and_a_purge_that_asks_takes_the_history(package: Path, root: Root) -> None:
    _install(root, package)
    root.inside(CONFIG).write_text("source = 'none'\n")
    _install(root, _newer(root, package))
    assert root.inside(CONFIG).read_text() == "source = 'none'\n"
    make_state(root)
    root.inside(HISTORY).write_text("")
    root.run("apt-get", "purge", "--yes", "dropwatchd", DROPWATCHD_HISTORY="remove")
    assert not root.inside(STATE).exists()
    assert not root.inside("/etc/dropwatchd").exists()


def test_two_builds_are_the_same_bytes(package: Path, tmp_path: Path) -> None:
    assert deb.build(tmp_path, tests=False).read_bytes() == package.read_bytes()


def _files(root: Root) -> set[str]:
    """Return every path of a root, but for what changes by itself."""
    return {line for line in root.run("find", "/", "-xdev").splitlines() if not line.startswith(("/tmp/", "/var/log/"))}
