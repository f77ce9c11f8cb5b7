"""The container: its image's root by the Containerfile's own commands, run with its user, rights and read-only root."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace, wait_for
from tests.packages.roots import PROJECT, Root, covered, made
from tests.packages.trial import STATE, drop, recorded

CONTAINERFILE = PROJECT / "packaging/container/Containerfile"
MANIFESTS = PROJECT / "packaging/kubernetes/dropwatchd.yaml"
SCHEMAS = "kubernetes-validate@1.37.0"
# As a runtime of containers does it: a root for reading alone, a volume and /tmp for writing; the user of the image,
# who holds no capability, and a bounding set of two.
_RUN = f"""
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
mount --bind "$root/volume" "$root{STATE}"; mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --inh-caps=-all --ambient-caps=-all \
    --bounding-set=-all,+bpf,+perfmon env STATE_DIRECTORY={STATE} "$@"
"""


@pytest.fixture(scope="module")
def image(package: Path) -> Iterator[Root]:
    with covered(made("slim", "trixie", ("passwd",))) as root:
        shutil.copy(package, root.inside("/tmp"))
        for command in _commands(CONTAINERFILE.read_text(), "RUN"):
            root.run("sh", "-ec", command)
        root.run("install", "-d", "-o", "10001", "-g", "10001", "-m", "0750", "/volume")
        yield root


def _commands(text: str, word: str) -> list[str]:
    return re.findall(rf"^{word} (.*)$", text.replace("\\\n", ""), flags=re.MULTILINE)


def _words(image: Root, *command: str) -> list[str]:
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _RUN, "-", str(image.path), *command]


def _passes(probe: list[str]) -> bool:
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def test_it_records_every_drop_with_two_capabilities(image: Root, tmp_path: Path) -> None:
    """And the probe of the manifests says so, and says when there is no daemon."""
    (entry,) = _commands(CONTAINERFILE.read_text(), "ENTRYPOINT")
    (probe,) = {*re.findall(r"command: (\[\"/usr/bin/dwreport.*\])", MANIFESTS.read_text())}
    asked = _words(image, *json.loads(probe))
    log = tmp_path / "log"
    with Namespace(f"packages-{os.getpid()}") as namespace, log.open("wb") as messages:
        daemon = subprocess.Popen(_words(image, *json.loads(entry)), stderr=messages)
        try:
            wait_for(lambda: "ready after" in log.read_text() or daemon.poll() is not None, "the daemon is ready")
            assert "drop events: bpf\n" in log.read_text(), log.read_text()
            held = dict(line.split(":\t") for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
            assert {held["CapEff"], held["CapPrm"], held["CapBnd"]} == {f"{1 << 38 | 1 << 39:016x}"}
            assert held["Uid"].split() == ["10001"] * 4
            drop(namespace, 400)
            wait_for(lambda: _passes(asked), "the probe passes")
        finally:
            daemon.terminate()
        assert daemon.wait(60) == 0, log.read_text()
        assert recorded(image, namespace, "/volume") == 400
    for path in image.inside("/volume").iterdir():
        path.unlink()
    assert not _passes(asked)


def test_the_manifests_are_those_of_kubernetes() -> None:
    """Each key is in the schema of a version that is in use, and every capability is in the image's file."""
    uvx = Path(sys.executable).with_name("uvx")
    for version in ("1.29", "1.37"):
        done = subprocess.run([uvx, SCHEMAS, "--strict", "-k", version, MANIFESTS], check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("passed for resource") + done.stderr.count("passed for resource") == 3
