"""Packages for a guest, which has no network: one under an older number, and a repository of what one needs."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.packages.roots import covered
from tests.vm.image import Image, locked

SOURCES = "sources.list"


def renumbered(package: Path, version: str, target: Path) -> Path:
    """Write the same package under another version's number."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
        control = tree / "DEBIAN/control"
        lines = control.read_text().splitlines(keepends=True)
        control.write_text("".join(f"Version: {version}\n" if line.startswith("Version: ") else line for line in lines))
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, target], check=True,
                       stdout=subprocess.DEVNULL)
    return target


def repository(image: Image, package: Path, folder: Path, seen: str) -> None:
    """Write a repository of what the guest lacks for a package; the guest sees the folder under another name."""
    folder.mkdir()
    with locked(image.recipe.suite), covered(image.tree) as root:
        shutil.copy(package, root.inside("/tmp/wanted.deb"))
        root.run("apt-get", "update")
        root.run("apt-get", "install", "--yes", "--no-install-recommends", "--download-only", "/tmp/wanted.deb")
        for found in root.inside("/var/cache/apt/archives").glob("*.deb"):
            shutil.copy(found, folder)
    (folder / "Packages").write_text("\n".join(map(_described, sorted(folder.glob("*.deb")))))
    (folder / SOURCES).write_text(f"deb [trusted=yes] file:{seen} ./\n")


def _described(deb: Path) -> str:
    """Return a package's paragraph of the index: repository-format of Debian's wiki."""
    control = subprocess.run(["dpkg-deb", "--field", deb], check=True, capture_output=True, text=True).stdout
    content = deb.read_bytes()
    return f"{control}Filename: ./{deb.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
