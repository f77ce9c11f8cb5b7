"""Files that are written as a whole, or not at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from dwreport.render.file import whole_file


def _write(path: Path | str, content: bytes = b"new") -> None:
    with whole_file(str(path)) as out:
        out.write(content)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _interrupted(path: Path) -> None:
    with whole_file(str(path)) as out:
        out.write(b"new")
        raise KeyboardInterrupt


def test_a_file_takes_the_place_of_another_when_it_is_whole(tmp_path: Path) -> None:
    """Who has opened the old one goes on reading that."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as reader, whole_file(str(path)) as out:
        out.write(b"new")
        out.flush()
        assert path.read_bytes() == b"old"
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["file"]


def test_what_was_there_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(path)
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file"]


def test_rights_are_those_of_the_old_file(tmp_path: Path) -> None:
    """And of a new one, what the umask leaves."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch(0o600)
    old.chmod(0o604)
    mask = os.umask(0o027)
    try:
        _write(old)
        _write(new)
    finally:
        os.umask(mask)
    assert [path.stat().st_mode & 0o777 for path in (old, new)] == [0o604, 0o640]


def test_a_link_goes_on_pointing_there(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        _write(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """It is not replaced by a file."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    reader.start()
    _write(path)
    reader.join(30)
    assert read == [b"new"]
    assert path.is_fifo()


def _refused(path: Path | str) -> str:
    with pytest.raises(click.ClickException) as refused:
        _write(path, bytes(100_000))
    assert refused.value.exit_code == 1
    return refused.value.message


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """What, why, and what to do about it."""
    (tmp_path / "file").touch()
    for path, why in ((tmp_path / "none" / "file", "No such file or directory"), (tmp_path, "Is a directory"),
                      (tmp_path / "file" / "file", "Not a directory"), (tmp_path / ("x" * 300), "File name too long"),
                      ("/dev/full", "No space left on device")):
        assert _refused(path) == (
            f"cannot write {path}: {why}; check the folder, its rights and the room on its disk")
    assert _names(tmp_path) == ["file"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files fails in the midst, as a disk does."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = ("import resource, sys\nfrom dwreport.render.file import whole_file\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "with whole_file(sys.argv[1]) as out:\n out.write(bytes(100_000))")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert f"cannot write {path}: File too large; check" in done.stderr
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file"]


def test_a_file_without_the_right_to_write_is_not_replaced() -> None:
    """The right to its folder would be enough for that."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    code = ("import os, sys\nimport click\nfrom dwreport.render.file import whole_file\nos.setuid(65534)\n"
            "try:\n with whole_file(sys.argv[1]) as out: out.write(b'new')\n"
            "except click.ClickException as error: print(error.message)")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        path = Path(folder) / "file"
        path.write_bytes(b"old")
        for mode, told, content in ((0o444, f"cannot write {path}: Permission denied; check", b"old"),
                                    (0o666, "", b"new")):
            path.chmod(mode)
            done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
            assert done.stdout.startswith(told)
            assert path.read_bytes() == content
