"""pip into an environment of its own, and `dropwatchd setup`: in a root of Debian 12, without a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace
from tests.packages.roots import PROJECT, covered, made
from tests.packages.trial import STATE, drop, make_state, recorded, recording

PROGRAM = "/opt/dropwatchd/bin/dropwatchd"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, and all that it needs: this Python is that of Debian 12."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder)
    subprocess.run([*pip, "--require-hashes", "--requirement", PROJECT / "constraints.txt"], check=True)
    subprocess.run([*pip, "--no-deps", PROJECT], check=True)
    return folder


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="wheels are made for Debian 12's Python")
def test_it_is_set_up_records_and_goes(wheels: Path) -> None:
    """Setting up twice changes nothing; removing leaves what it says."""
    packages = ("systemd", "python3", "python3-venv", "libbpf1")
    with covered(made("pip", "bookworm", packages)) as root, Namespace(f"packages-{os.getpid()}") as namespace:
        subprocess.run(["cp", "-r", wheels, root.inside("/wheels")], check=True)
        before = set(root.run("find", "/etc", "/usr", "/var/lib").splitlines())
        root.run("python3", "-m", "venv", "/opt/dropwatchd")
        root.run("/opt/dropwatchd/bin/pip", "install", "--no-index", "--find-links=/wheels", "dropwatchd")
        placed = root.run(PROGRAM, "setup")
        assert "installed  /etc/systemd/system/dropwatchd.service\n" in placed
        assert "installed  /usr/local/share/man/man8/dropwatchd.8\n" in placed
        assert "installed" not in root.run(PROGRAM, "setup")
        assert f"ExecStart={PROGRAM}\n" in root.inside("/etc/systemd/system/dropwatchd.service").read_text()
        root.run("dwreport", "--version")  # by its link in /usr/local/bin
        make_state(root)
        with recording(root, "env", f"STATE_DIRECTORY={STATE}", PROGRAM):
            drop(namespace, 250)
        assert recorded(root, namespace) == 250
        root.run(PROGRAM, "setup", "--remove")
        root.run("rm", "-r", "/opt/dropwatchd")
        left = set(root.run("find", "/etc", "/usr", "/var/lib", "-not", "-type", "d").splitlines()) - before
        assert {path for path in left if "dropwatch" in path or "dwreport" in path} == {
            "/etc/dropwatchd/config.toml", f"{STATE}/history.db"}
