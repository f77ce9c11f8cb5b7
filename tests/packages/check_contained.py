"""The packages with the environment inside, in a root of Debian 12: the deb by apt, the rpm by rpm."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from dropwatchd import __version__
from tests.gallery.namespace import Namespace
from tests.packages import contained
from tests.packages.roots import Root, covered, made
from tests.packages.trial import STATE, drop, make_state, recorded, recording

HISTORY = f"{STATE}/history.db"
CONFIG = "/etc/dropwatchd/config.toml"
ENABLED = "/etc/systemd/system/multi-user.target.wants/dropwatchd.service"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.suffix: path for path in contained.build(tmp_path_factory.mktemp("built"))}


@pytest.fixture
def root() -> Iterator[Root]:
    """A Debian 12; what the packages ask for is there, for rpm asks only rpm's own database."""
    with covered(made("bookworm", "bookworm", ("systemd", "python3.11", "libbpf1", "libpq5", "rpm"))) as root:
        yield root


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace(f"packages-{os.getpid()}") as namespace:
        yield namespace


def _bring(root: Root, package: Path) -> str:
    root.inside(f"/tmp/{package.name}").write_bytes(package.read_bytes())
    return f"/tmp/{package.name}"


def _records(root: Root, namespace: Namespace) -> None:
    """It is enabled, and as the unit runs it, every drop is in the history."""
    assert root.inside(ENABLED).is_symlink()
    assert root.run("dropwatchd", "--version") == f"dropwatchd {__version__}\n"
    make_state(root)
    assert re.search(r"^source +bpf +yes", root.run("dropwatchd", "--check"), flags=re.MULTILINE)
    before = recorded(root, namespace) if root.inside(HISTORY).exists() else 0
    with recording(root):
        drop(namespace, 300)
    assert recorded(root, namespace) == before + 300
    with pytest.raises(CalledProcessError) as refused:  # with its driver, and the host's libpq
        root.run("dropwatchd-upload", "--once", "--to", "postgresql://127.0.0.1:1/dropwatch")
    assert "Connection refused" in refused.value.stdout


def test_the_deb_is_installed_records_and_goes(packages: dict[str, Path], root: Root, namespace: Namespace) -> None:
    root.run("apt-get", "install", "--yes", "--no-install-recommends", _bring(root, packages[".deb"]))
    _records(root, namespace)
    root.run("apt-get", "remove", "--yes", "dropwatchd")
    assert not root.inside("/usr/lib/dropwatchd").exists()
    assert not root.inside(ENABLED).is_symlink()
    assert root.inside(CONFIG).exists()
    assert "the history stays in /var/lib/dropwatchd" in root.run("apt-get", "purge", "--yes", "dropwatchd")
    assert root.inside(HISTORY).exists()
    assert not root.inside("/etc/dropwatchd").exists()


def test_the_rpm_is_installed_records_and_goes(packages: dict[str, Path], root: Root, namespace: Namespace) -> None:
    """By rpm itself, with the scripts; what it requires is looked at, for this root is not of that family."""
    path = _bring(root, packages[".rpm"])
    required = root.run("rpm", "-qp", "--requires", path).split("\n")
    assert {"/usr/bin/python3.11", "libbpf", "systemd"} <= set(required)
    assert root.run("rpm", "-qpc", path).split() == [CONFIG]
    root.run("rpm", "--install", "--nodeps", path)
    _records(root, namespace)
    root.inside(CONFIG).write_text("source = 'bpf'\n")
    root.run("rpm", "--upgrade", "--force", "--nodeps", path)
    assert root.inside(CONFIG).read_text() == "source = 'bpf'\n"
    _records(root, namespace)
    assert "the history stays in /var/lib/dropwatchd" in root.run("rpm", "--erase", "dropwatchd")
    assert root.inside(HISTORY).exists()
    assert not root.inside(ENABLED).is_symlink()
    assert not root.inside("/usr/lib/dropwatchd").exists()


def test_two_builds_are_the_same_bytes(packages: dict[str, Path], tmp_path: Path) -> None:
    assert {path.name: path.read_bytes() for path in contained.build(tmp_path)} == {
        path.name: path.read_bytes() for path in packages.values()}
