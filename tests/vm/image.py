"""Builds the disk image of a guest from Debian packages, once per recipe, outside the tree."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.vm.recipe import EXCLUDED_PATHS, FILES, HOOKS, LINKS, NETDEVSIM, Recipe

TOOLS = {
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "xz": "xz-utils",
}
"""The programs that guests need, and the Debian packages that bring them."""

KEPT_S = 3600
"""How long an outdated image outlives its last use: a guest that runs from it may still start again."""


class UnavailableError(Exception):
    """Guests cannot be had on this machine; the message says what is missing and how to get it."""


@dataclass(frozen=True)
class Image:
    """A built guest: its disk, what boots it, and the same system as a folder to chroot into."""

    recipe: Recipe
    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def tree(self) -> Path:
        return self.folder / "tree"


def cache() -> Path:
    """Where images are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "dropwatchd" / "guests"


def image(recipe: Recipe) -> Image:
    """The image of this recipe, built when the cache does not have it."""
    require_tools()
    with locked(recipe.suite):
        folder = cache() / recipe.key
        if not folder.exists():
            remove_unused(cache().glob(f"{recipe.suite}-*"))
            _build(recipe, folder)
        os.utime(folder)
    return Image(recipe, folder)


def require_tools() -> None:
    missing = {package for tool, package in TOOLS.items() if shutil.which(tool) is None}
    if missing:
        raise UnavailableError(f"guests need packages: apt-get install {' '.join(sorted(missing))}")
    if os.geteuid() != 0:
        raise UnavailableError("guests need root: their images are made with chroot and device nodes")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One holder at a time, over all processes."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_unused(paths: Iterable[Path]) -> None:
    """Remove what nobody used lately, and never what an interrupted build left mounted in it."""
    for path in paths:
        if path.suffix == ".partial" or time.time() - path.stat().st_mtime > KEPT_S:
            subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=True)


def make_disk(source: Path, disk: Path, size: str) -> None:
    """Write the content of a folder as an ext4 file system into a sparse file."""
    logged(["mkfs.ext4", "-q", "-d", str(source), str(disk), size])


def logged(command: list[str], **environment: str) -> str:
    """What a command prints; when it fails, that goes into the exception's notes."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          text=True, errors="replace", env=os.environ | environment)
    try:
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(done.stdout[-4000:])
        raise
    return done.stdout


def _build(recipe: Recipe, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    partial.mkdir()
    tree = partial / "tree"
    _bootstrap(recipe, tree)
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        (found,) = (tree / "boot").glob(pattern)
        shutil.copy(found, partial / name)
    make_disk(tree, partial / "disk.img", "6G")
    partial.rename(folder)


def _bootstrap(recipe: Recipe, tree: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        overlay, apt = Path(scratch, "overlay"), Path(scratch, "apt.conf")
        _write_overlay(overlay)
        apt.write_text(transport())
        logged([
            "mmdebstrap", "--mode=root", "--variant=minbase", f"--aptopt={apt}",
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED_PATHS),
            f"--include={','.join(recipe.packages)}",
            f"--essential-hook=copy-in {overlay}/. /",
            *([] if recipe.kernels else [f'--customize-hook=sh -e {NETDEVSIM} "$1" {recipe.kernel}']),
            *(f"--customize-hook={hook}" for hook in HOOKS),
            recipe.suite, str(tree), *sources(recipe.suite, recipe.kernels),
        ])


def _write_overlay(overlay: Path) -> None:
    for name, content in FILES.items():
        path = overlay / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, target in LINKS.items():
        path = overlay / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    logged(["chmod", "-R", "u=rwX,go=rX", str(overlay)])


def transport() -> str:
    """The host's own proxy, certificate and clock settings for apt: a mirror reached here is reached so."""
    kept = ("Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::Check-")
    settings = logged(["apt-config", "dump"]).splitlines(keepends=True)
    return "".join(line for line in settings if line.startswith(kept))


def sources(suite: str, other: str = "") -> list[str]:
    """Lines of a sources.list for the suite, and another, on the mirrors that the host's apt uses for Debian."""
    lines = []
    targets = [("Debian", suite), ("Debian-Security", f"{suite}-security"), *([("Debian", other)] if other else [])]
    for label, target in targets:
        wanted = ["Created-By: Packages", f"Label: {label}"]
        mirrors = logged(["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]).split()
        lines += [f"deb {mirror} {target} main" for mirror in mirrors[:1]]
    if not lines:
        raise UnavailableError("apt knows no Debian mirror: apt-get update")
    return lines
