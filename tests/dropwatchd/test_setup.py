"""What `dropwatchd setup` puts in place, keeps, and takes away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dropwatchd.setup import setup, unit

ROOT = Path(__file__).parents[2]


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_unit_names_the_program_of_this_installation() -> None:
    words = [sys.executable, "-m", "dropwatchd", "--print-unit"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == unit()
    assert f"\nExecStart={Path(sys.executable).parent}/dropwatchd\n" in unit()
    upload = unit("dropwatchd-upload.service")
    assert f"\nExecStart={Path(sys.executable).parent}/dropwatchd-upload --to ${{DROPWATCHD_TO}}\n" in upload
    assert "/usr/bin/" not in unit() + upload
    for line in upload.splitlines():  # nothing is done as root where the daemon could have put a link
        assert not line.startswith("ExecStartPre=") or " --reuid dropwatchd " in line


def test_a_reader_that_has_had_enough_is_no_fault() -> None:
    """`dropwatchd --print-unit | head -1` and the like end without a word."""
    with subprocess.Popen([sys.executable, "-m", "dropwatchd", "--print-unit"], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as printing:
        assert printing.stdout
        assert printing.stderr
        printing.stdout.close()
        assert printing.stderr.read() == b""
    assert printing.returncode == 0


def test_it_is_put_in_place_once_and_taken_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    """A second time changes nothing; the configuration stays as its owner has it."""
    if os.geteuid():
        pytest.skip("setup takes root")
    monkeypatch.setattr("dropwatchd.setup._HOMES", ())  # a checkout may lie in one
    assert setup(root=tmp_path) == 0
    placed = _tree(tmp_path)
    assert placed["etc/systemd/system/dropwatchd.service"].decode() == unit()
    assert {"etc/systemd/system/dropwatchd-upload.service", "etc/dropwatchd/config.toml",
            "etc/sysusers.d/dropwatchd.conf", "usr/local/share/dropwatchd/evidence.conf"} <= placed.keys()
    assert "installed  /etc/systemd/system/dropwatchd.service\n" in capsys.readouterr().out
    assert setup(root=tmp_path) == 0
    assert "installed" not in capsys.readouterr().out
    assert _tree(tmp_path) == placed
    (tmp_path / "etc/dropwatchd/config.toml").write_text("source = 'none'\n")
    (tmp_path / "etc/systemd/system/dropwatchd.service").write_text("of an older version\n")
    assert setup(root=tmp_path) == 0
    assert "updated    /etc/systemd/system/dropwatchd.service\n" in capsys.readouterr().out
    assert setup(remove=True, root=tmp_path) == 0
    assert "what stays: /etc/dropwatchd" in capsys.readouterr().out
    assert _tree(tmp_path) == {"etc/dropwatchd/config.toml": b"source = 'none'\n"}


def test_a_package_has_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid():
        pytest.skip("setup takes root")
    packaged = tmp_path / "usr/lib/systemd/system/dropwatchd.service"
    packaged.parent.mkdir(parents=True)
    packaged.write_text("")
    assert setup(root=tmp_path) == 1
    assert capsys.readouterr().err.startswith("dropwatchd: /usr/lib/systemd/system/dropwatchd.service is there already")
    assert _tree(tmp_path) == {"usr/lib/systemd/system/dropwatchd.service": b""}


def test_without_root_it_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                                tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert setup(root=tmp_path) == 1
    assert capsys.readouterr().err == "dropwatchd: setup writes below /etc and /usr/local; run it as root\n"
    assert not _tree(tmp_path)


def test_a_home_folder_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                  tmp_path: Path) -> None:
    """The unit could not start a program from there."""
    if os.geteuid():
        pytest.skip("setup takes root")
    monkeypatch.setattr("dropwatchd.setup._HOMES", (ROOT, Path(sys.prefix)))
    assert setup(root=tmp_path) == 1
    assert "may not look into home folders" in capsys.readouterr().err
    assert not _tree(tmp_path)
