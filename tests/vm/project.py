"""Installs the project into a drive for a guest, with the guest's own Python and pip, without emulation."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.versions import pinned
from tests.vm.image import Image, locked, logged, make_disk, remove_unused

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("dropwatchd", "dwreport", "migrations", "systemd", "pyproject.toml", "constraints.txt")
PINS = ROOT / "constraints.txt"
PREFIX = "opt/dropwatchd"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


def project(image: Image) -> Path:
    """An ext4 drive with the virtual environment that the guest mounts on /opt/dropwatchd."""
    drive = image.folder / f"project-{_digest(ROOT / name for name in SHIPPED)}.img"
    with locked(image.recipe.suite):
        if not drive.exists():
            remove_unused([*image.folder.glob("project-*"), *image.folder.glob("wheels-*")])
            _install(image, drive)
        os.utime(drive)
    return drive


def _install(image: Image, drive: Path) -> None:
    prefix, wheels = image.tree / PREFIX, image.tree / "wheels"
    for leftover in (prefix, wheels):
        shutil.rmtree(leftover, ignore_errors=True)
    _gather(image, wheels)
    chroot = ["chroot", str(image.tree)]
    logged([*chroot, "python3", "-m", "venv", f"/{PREFIX}"])
    logged([*chroot, f"/{PREFIX}/bin/pip", "install", "--no-index", "--find-links=/wheels", "dropwatchd"],
           PIP_CONFIG_FILE=os.devnull)
    partial = drive.with_suffix(".partial")
    make_disk(prefix, partial, "1G")
    partial.rename(drive)


def _gather(image: Image, wheels: Path) -> None:
    """Put the project's wheel and those of all it needs into a folder; they fit the guest's Python."""
    pip = [sys.executable, "-m", "pip"]
    wheels.mkdir()
    needed = image.folder / f"wheels-{_digest(ROOT / name for name in ('pyproject.toml', 'constraints.txt'))}"
    if not needed.exists():
        partial = needed.with_suffix(".partial")
        # Here first, which builds a wheel of what has none; then what must be of the guest's own Python. The hash of a
        # wheel that was built here nobody could know: it is held to its version alone.
        logged([*pip, "wheel", "-q", "-w", str(partial), "--require-hashes", f"--requirement={PINS}"])
        logged([*pip, "download", "-q", "-d", str(partial), f"--find-links={partial}", "--no-deps",
                "--only-binary=:all:", f"--python-version={image.recipe.python}",
                *(f"--platform={platform}" for platform in PLATFORMS),
                *(f"{name}=={version}" for name, version in pinned(PINS).items())])
        partial.rename(needed)
    os.utime(needed)
    shutil.copytree(needed, wheels, dirs_exist_ok=True)
    logged([*pip, "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT)])


def _digest(paths: Iterator[Path]) -> str:
    """Name the content of files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted([path, *path.rglob("*")]):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
