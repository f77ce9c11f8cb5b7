"""What is shipped: a wheel that is complete, units that systemd accepts, an installation that can be undone."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from dropwatchd.history.identity import REVISION

ROOT = Path(__file__).parent.parent
SHARED = (
    *(f"man/man{page.suffix[1:]}/{page.name}" for page in (ROOT / "docs/man").iterdir()),
    *(f"bash-completion/completions/{name}" for name in ("dropwatchd", "dropwatchd-upload", "dwreport")),
    *(f"fish/vendor_completions.d/{name}.fish" for name in ("dropwatchd", "dropwatchd-upload", "dwreport")),
    "zsh/site-functions/_dropwatchd",
    "zsh/site-functions/_dwreport",
)
CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _wheel(tmp_path_factory.mktemp("wheel"))


def _wheel(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an empty environment into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    for what in (("--require-hashes", "--requirement", ROOT / "constraints.txt"), ("--no-deps", wheel)):
        subprocess.run([folder / "bin/pip", "install", "--quiet", *what], check=True)
    return folder / "bin"


def test_both_programs_run_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Migrations travel inside: a history is made, and read, away from the checkout."""
    database = tmp_path / "history.db"
    code = "import pathlib, sys; from dropwatchd.history.write import open; open.upgrade(pathlib.Path(sys.argv[1]))"
    subprocess.run([installed / "python", "-c", code, database], check=True, cwd=tmp_path)
    for program in ("dropwatchd", "dwreport"):
        done = subprocess.run(
            [installed / program, "--version"], check=True, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.stdout.startswith(program)
    report = subprocess.run(
        [installed / "dwreport", "--database", database, "--format", "json"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert '"status": "blind"' in report.stdout or '"status":"blind"' in report.stdout
    page = subprocess.run(
        [installed / "dwreport", "--database", database, "export", "--html", "-"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert page.stdout.startswith("<!DOCTYPE html>")
    checked = subprocess.run(
        [installed / "dropwatchd", "--check", "--database", database],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert f"schema {REVISION}" in checked.stdout, checked.stderr


def test_two_wheels_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Whenever, and by whom, it is built."""
    assert _wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_without_the_driver_of_postgresql_one_line_says_what_is_missing(installed: Path, tmp_path: Path) -> None:
    """The rest of an installation does not need it."""
    url = "postgresql:///x"
    for words in (["dropwatchd-upload", "--to", url, "--setup"], ["dwreport", "--database", url]):
        done = subprocess.run([installed / words[0], *words[1:]], check=False, capture_output=True, text=True,
                              cwd=tmp_path)
        assert done.returncode == 1
        assert "pip install 'dropwatchd[fleet]'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_wheel_holds_the_units_and_the_program(wheel: Path) -> None:
    """The BPF object, its source, the migrations and the systemd files are all inside."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "dropwatchd/sources/bpf/drops.bpf.o",
        "dropwatchd/sources/bpf/drops.bpf.c",
        "dropwatchd/kernel/captures.bpf.o",
        "dropwatchd/kernel/captures.bpf.c",
        "dropwatchd/kernel/xdp_errors.bpf.o",
        "dropwatchd/kernel/xdp_errors.bpf.c",
        "dropwatchd/kernel/retransmits.bpf.o",
        "dropwatchd/kernel/retransmits.bpf.c",
        "dropwatchd/kernel/traps.bpf.o",
        "dropwatchd/kernel/traps.bpf.c",
        "dropwatchd/_data/migrations/env.py",
        "dropwatchd/_data/migrations/versions/0001_first_schema.py",
        "dropwatchd/_data/migrations/versions/0002_namespace_runs.py",
        "dropwatchd/_data/systemd/dropwatchd.service",
        "dropwatchd/_data/systemd/dropwatchd-upload.service",
        "dropwatchd/history/fleet/begin.sql",
        "dropwatchd/history/fleet/schema.sql",
        "dropwatchd/history/fleet/tidy.sql",
        "dropwatchd/history/fleet/roles.sql",
        "dropwatchd/history/fleet/tenants.sql",
        "dropwatchd/history/fleet/local.sql",
        "dropwatchd/history/fleet/views.sql",
        "dropwatchd/history/fleet/guard.sql",
        "dropwatchd/history/fleet/send.sql",
        "dropwatchd/history/fleet/coordinator.sql",
        "dropwatchd/_data/systemd/config.toml",
        "dwreport/render/html/page.html",
        "dwreport/render/html/uplot/uPlot.iife.min.js",
        "dwreport/render/html/uplot/uPlot.LICENSE",
    } <= names


def test_the_wheel_holds_what_is_shared(wheel: Path) -> None:
    """Man pages and completions, where an environment's own share/ has them."""
    (data,) = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist() if ".data/" in name}
    found = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(data)}
    assert found == {f"{data}/data/share/{name}" for name in SHARED}


def _make(*words: str) -> None:
    subprocess.run(["make", "-s", *words], cwd=ROOT, check=True, capture_output=True, text=True)


def test_install_and_uninstall(tmp_path: Path) -> None:
    """DESTDIR and PREFIX are honoured, no file names the staging folder, and uninstall keeps what is the user's."""
    to = (f"DESTDIR={tmp_path}", "PREFIX=/opt/dw", f"PYTHON={sys.executable}")
    config = tmp_path / "etc/dropwatchd/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("source = 'none'\n")
    _make("install", *to)
    units = tmp_path / "opt/dw/lib/systemd/system"
    assert "ExecStart=/opt/dw/bin/dropwatchd\n" in (units / "dropwatchd.service").read_text()
    assert "ExecStart=/opt/dw/bin/dropwatchd-upload " in (units / "dropwatchd-upload.service").read_text()
    assert (tmp_path / "opt/dw/bin/dwreport").readlink() == Path("/opt/dw/lib/dropwatchd/bin/dwreport")
    script = tmp_path / "opt/dw/lib/dropwatchd/bin/dwreport"
    assert script.read_text().startswith("#!/opt/dw/lib/dropwatchd/bin/python")
    assert config.read_text() == "source = 'none'\n"
    for name in SHARED:
        assert (tmp_path / "opt/dw/share" / name).read_text()
    _make("uninstall", *to)
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()] == [
        Path("etc/dropwatchd/config.toml")
    ]


@pytest.mark.parametrize("name", ["dropwatchd", "dropwatchd-upload"])
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    """systemd-analyze verify finds nothing to say."""
    if not shutil.which("systemd-analyze"):
        assert not CI, "CI installs systemd"
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / f"{name}.service"
    text = (ROOT / f"systemd/{name}.service").read_text()
    unit.write_text(text.replace(f"/usr/bin/{name}", sys.executable).replace("User=dropwatchd", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert unit.name not in done.stderr, done.stderr
