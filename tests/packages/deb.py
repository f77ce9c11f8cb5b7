"""Builds the Debian package from this checkout, in a root of Debian 13 with what it needs for that."""

import shutil
from pathlib import Path

from tests.packages.roots import PROJECT, Root, covered, made

SUITE = "trixie"
TOOLS = ("build-essential", "lintian")
_FAULTS = "error,warning,info"
_SOURCE = "/build/dropwatchd"


def build(into: Path, *, tests: bool = True) -> Path:
    """Return the package; lintian has looked at it, and has nothing to say."""
    with covered(made("deb", SUITE, (*TOOLS, *needed()))) as root:
        root.bring(_SOURCE)
        shutil.copytree(PROJECT / "packaging/debian", root.inside(f"{_SOURCE}/debian"))
        options = "" if tests else "nocheck"
        # Without the network: all of it comes from Debian's packages, and from the sources.
        root.run("sh", "-ec", f"cd {_SOURCE}; exec unshare --net dpkg-buildpackage --build=binary --no-sign",
                 DEB_BUILD_OPTIONS=options)
        root.run("sh", "-ec", f"exec lintian --allow-root --fail-on {_FAULTS} --tag-display-limit 0 /build/*.changes")
        return _taken(root, into)


def needed() -> tuple[str, ...]:
    """Return the packages that debian/control names for the build."""
    text = (PROJECT / "packaging/debian/control").read_text()
    words = text.partition("Build-Depends:\n")[2].partition("Standards-Version")[0].split(",")
    names = [word.split()[0] for word in words if word.strip()]
    return tuple("debhelper" if name == "debhelper-compat" else name for name in names)


def _taken(root: Root, into: Path) -> Path:
    (package,) = root.inside("/build").glob("dropwatchd_*.deb")
    into.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(package, into))
