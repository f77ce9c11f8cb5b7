"""Packages say of the project what it says of itself; `make packages` builds and tries them."""

import re
import tomllib
from pathlib import Path

from dropwatchd import __version__
from tests.test_versions import QUICK

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BOUNDS = {f"python3-{name}": bound for name, bound in (line.split(">=") for line in PROJECT["project"]["dependencies"])}


def _parts(text: str) -> tuple[str, str]:
    """Return what debian/control names for the build, and for the installation."""
    build, depends = (re.findall(rf"^{field}:\n((?: .*\n)+)", text, flags=re.MULTILINE)
                      for field in ("Build-Depends", "Depends"))
    return build[0], depends[0]


def test_the_debian_package_has_the_version_and_the_bounds() -> None:
    """For the build, whose tests use them, and for the installation: dh_python3 knows names alone."""
    changelog = (PACKAGING / "debian/changelog").read_text()
    assert changelog.startswith(f"dropwatchd ({__version__}) ")
    for part in _parts((PACKAGING / "debian/control").read_text()):
        written = dict(re.findall(r"^ (python3-[\w-]+) \(>= ([\d.]+)\)", part, flags=re.MULTILINE))
        assert BOUNDS.items() <= written.items()


def test_the_debian_package_is_built_with_the_tests_of_each_library() -> None:
    """But DuckDB, which Debian does not have."""
    rules = (PACKAGING / "debian/rules").read_text()
    named = set(re.findall(r"tests/\S+", rules.partition("TESTS =")[2].partition("\nexport")[0]))
    assert named == {*QUICK} - {"tests/dwreport/cli/test_archive.py"}


def test_files_that_packages_name_are_there() -> None:
    """Of the same places as those of the wheel and of make install."""
    nfpm = (PACKAGING / "nfpm/nfpm.yaml").read_text()
    named = re.findall(r"src: (\w[\w./-]+)", nfpm) + re.findall(r"^  \w+: (packaging/\S+)$", nfpm, flags=re.MULTILINE)
    for name in ("dropwatchd.docs", "dropwatchd.examples", "dropwatchd.install"):
        named += [line.split()[0] for line in (PACKAGING / "debian" / name).read_text().splitlines()]
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    placed = dict(re.findall(r"src: ([\w./-]+), dst: /usr/([\w./-]+)", nfpm))
    assert shared.items() <= placed.items()


def test_every_kind_of_package_keeps_the_history_unless_asked() -> None:
    for script in ("debian/dropwatchd.postrm", "nfpm/postremove.sh"):
        text = (PACKAGING / script).read_text()
        assert text.count("rm -rf /var") == 1
        assert re.search(r'\[ "\$DROPWATCHD_HISTORY" = remove \]; then\n\s+rm -rf /var/lib/dropwatchd$', text,
                         flags=re.MULTILINE), script


def test_commands_of_the_document_are_there() -> None:
    """Each target of make, each option of the programs, and each file that is linked."""
    text = (ROOT / "docs/deployment.md").read_text()
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    spans = re.findall(r"`([^`]+)`", text)
    commands = [part.strip() for line in lines + spans for part in line.split("|")]
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    targets = {word for command in commands if command.startswith("make ") for word in command.split()[1:]}
    assert {"deb", "nfpm", "dist", "install", "packages", "sbom"} <= targets
    assert targets <= set(phony.split())
    pages = "".join((ROOT / "docs/man" / page).read_text() for page in ("dropwatchd.8", "dwreport.1"))
    own = [re.sub(r"^.* -- ", "", command) for command in commands]
    options = {word for command in own if re.match(r"(\S*/)?(dropwatchd|dwreport) ", command)
               for word in re.findall(r"--[a-z-]+", command)}
    assert {"--check", "--fail-if", "--remove", "--print-unit"} <= options
    assert not [option for option in options if f".It Fl {option[1:]}" not in pages]
    linked = re.findall(r"\]\((\.\./[^)]+)\)", text)
    assert linked
    assert all((ROOT / "docs" / name).exists() for name in linked)
