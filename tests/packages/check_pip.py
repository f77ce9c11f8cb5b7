"""pip, pipx and uv, each into a place of its own, and `dropwatchd setup`: in a root of Debian 12, without a network."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace
from tests.packages.roots import PROJECT, Root, covered, made
from tests.packages.trial import STATE, drop, make_state, recorded, recording

OFFLINE = "--no-index --find-links=/wheels"
PIPX = "pipx==1.8.0"


@dataclass(frozen=True)
class Way:
    """How it comes onto a host and goes again: commands of a shell; and where its programs are then."""

    install: str
    folder: str
    remove: str


WAYS = {
    "pip": Way(f"python3 -m venv /opt/dropwatchd; /opt/dropwatchd/bin/pip install {OFFLINE} dropwatchd",
               "/opt/dropwatchd/bin", "rm -r /opt/dropwatchd"),
    "pipx": Way(f"python3 -m venv /tmp/pipx; /tmp/pipx/bin/pip install {OFFLINE} pipx; "
                f"/tmp/pipx/bin/pipx install --global --pip-args='{OFFLINE}' dropwatchd",
                "/opt/pipx/venvs/dropwatchd/bin", "/tmp/pipx/bin/pipx uninstall --global dropwatchd; rm -r /opt/pipx"),
    "uv": Way("UV_TOOL_DIR=/opt/uv UV_TOOL_BIN_DIR=/usr/local/bin "
              f"/tmp/uv tool install --no-managed-python {OFFLINE} dropwatchd",
              "/opt/uv/dropwatchd/bin", "rm -r /opt/uv"),
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, and all that it needs: this Python is that of Debian 12."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder)
    subprocess.run([*pip, "--require-hashes", "--requirement", PROJECT / "constraints.txt"], check=True)
    subprocess.run([*pip, "--no-deps", PROJECT], check=True)
    subprocess.run([*pip, PIPX, "pip"], check=True)
    return folder


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="wheels are made for Debian 12's Python")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_is_set_up_records_and_goes(wheels: Path, way: Way) -> None:
    """Setting up twice changes nothing; removing leaves what it says."""
    packages, program = ("systemd", "python3", "python3-venv", "libbpf1"), f"{way.folder}/dropwatchd"
    with covered(made("pip", "bookworm", packages)) as root, Namespace(f"packages-{os.getpid()}") as namespace:
        subprocess.run(["cp", "-r", wheels, root.inside("/wheels")], check=True)
        shutil.copy(Path(sys.executable).with_name("uv"), root.inside("/tmp/uv"))
        before = _files(root)
        root.run("sh", "-ec", way.install)
        placed = root.run(program, "setup")
        assert "installed  /etc/systemd/system/dropwatchd.service\n" in placed
        assert "/usr/local/share/man/man8/dropwatchd.8\n" in placed
        assert "installed" not in root.run(program, "setup")
        assert f"ExecStart={program}\n" in root.inside("/etc/systemd/system/dropwatchd.service").read_text()
        root.run("dwreport", "--version")  # by its link in /usr/local/bin
        make_state(root)
        with recording(root, "env", f"STATE_DIRECTORY={STATE}", program):
            drop(namespace, 250)
        assert recorded(root, namespace) == 250
        root.run(program, "setup", "--remove")
        root.run("sh", "-ec", way.remove)
        left = _files(root) - before
        assert {path for path in left if "dropwatch" in path or "dwreport" in path} == {
            "/etc/dropwatchd/config.toml", f"{STATE}/history.db"}


def _files(root: Root) -> set[str]:
    return set(root.run("find", "/etc", "/usr", "/var/lib", "/opt", "-not", "-type", "d").splitlines())
