"""The tests of the host with other versions than the pinned: `python -m tests.versions lowest|newest [PYTEST...]`."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT, PINS = ROOT / "pyproject.toml", ROOT / "tests/constraints.txt"
TESTS = ("tests/dropwatchd", "tests/dwreport", "--ignore-glob=*_in_a_browser.py")
TOOLS = ("hypothesis", "jsonschema", "prometheus-client", "pytest", "pytest-timeout", "pytest-xdist")
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
"""What pyproject.toml names is taken in its lowest version; what that needs in turn, in the newest that fits."""


def environment(folder: Path, resolution: str) -> Path:
    """Make a virtual environment with what the programs need, and the tools of tests; return its Python."""
    python = folder / "bin/python"
    _uv("venv", "--clear", "--python", sys.executable, folder)
    _uv("pip", "install", "--python", python, "--constraint", PINS, *TOOLS)
    _uv("pip", "install", "--python", python, "--upgrade", "--resolution", resolution, "--requirement", PROJECT,
        "--extra", "parquet")
    return python


def versions(python: Path) -> dict[str, str]:
    """Return the version of each distribution that an environment has."""
    told = subprocess.run([Path(sys.executable).with_name("uv"), "pip", "freeze", "--python", python], check=True,
                          capture_output=True, text=True).stdout
    return dict(line.split("==") for line in told.splitlines())


def pinned(path: Path) -> dict[str, str]:
    """Return the versions that a file of pins names."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), flags=re.MULTILINE))


def _uv(*words: str | Path) -> None:
    subprocess.run([Path(sys.executable).with_name("uv"), "--quiet", *words], check=True)


def main() -> int:
    wanted, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), RESOLUTIONS[wanted])
        print("\n".join(f"{name} {version}" for name, version in versions(python).items()))
        return subprocess.run([python, "-m", "pytest", "-n", "2", "--dist", "loadscope", *(words or TESTS)], cwd=ROOT,
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
