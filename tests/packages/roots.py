"""Roots of Debian in which packages are built and tried: made once by mmdebstrap, and covered for each use."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from tests.vm.image import cache, locked, logged, remove_unused, sources, transport

PROJECT = Path(__file__).parents[2]
# What is mounted goes with the process that sees it.
_ENTER = """
root=$1; shift
mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""


class Root:
    """A root of a Debian system; commands see /proc, /sys and /dev of the host."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def words(self, *command: str) -> list[str]:
        """Return the command that runs another one inside."""
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _ENTER, "-", str(self.path), *command]

    def run(self, *command: str, **environment: str) -> str:
        """Return what a command prints; where it fails, that is in the exception's notes."""
        return logged(self.words(*command), **{"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                                               "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **environment})

    def start(self, log: Path, *command: str) -> subprocess.Popen[bytes]:
        """Begin a command; its messages go into a file."""
        with log.open("ab") as messages:
            return subprocess.Popen(self.words(*command), stdout=messages, stderr=messages)

    def inside(self, path: str) -> Path:
        return self.path / path.lstrip("/")

    def bring(self, folder: str) -> None:
        """Copy what git knows, or would, of this checkout."""
        target = self.inside(folder)
        target.mkdir(parents=True)
        names = logged(["git", "-C", str(PROJECT), "ls-files", "-co", "--exclude-standard"]).splitlines()
        there = [name for name in names if (PROJECT / name).exists()]
        subprocess.run(["cp", "--parents", "-t", target, *there], cwd=PROJECT, check=True)


def made(name: str, suite: str, packages: tuple[str, ...]) -> Path:
    """Return a root with these packages, from the cache where it has it. It is for reading: cover it."""
    key = sha256(repr((suite, packages)).encode()).hexdigest()[:16]
    path = cache() / f"root-{name}-{key}"
    with locked(f"root-{name}"):
        if not path.exists():
            remove_unused(cache().glob(f"root-{name}-*"))
            partial = path.with_suffix(".partial")
            with tempfile.TemporaryDirectory() as scratch:
                apt = Path(scratch, "apt.conf")
                apt.write_text(transport())
                logged(["mmdebstrap", "--mode=root", "--variant=minbase", f"--aptopt={apt}", "--skip=cleanup/apt/lists",
                        f"--include={','.join(packages)}", suite, str(partial), *sources(suite)])
            partial.rename(path)
        os.utime(path)
    return path


@contextmanager
def covered(base: Path) -> Iterator[Root]:
    """Lend a root in which all may be changed, and nothing stays."""
    with tempfile.TemporaryDirectory(prefix="dropwatchd-root-") as scratch:
        upper, work, merged = (Path(scratch, name) for name in ("upper", "work", "merged"))
        for folder in (upper, work, merged):
            folder.mkdir()
        layers = f"lowerdir={base},upperdir={upper},workdir={work}"
        logged(["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)])
        try:
            yield Root(merged)
        finally:
            logged(["umount", str(merged)])
