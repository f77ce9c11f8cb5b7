"""What the monitor was set to before us survives our being killed, and nothing else does."""

from pathlib import Path

import pytest

from dropwatchd.sources.net_dm.memory import Memory
from dropwatchd.sources.net_dm.options import Config

FOUND, OURS, OTHER = Config("summary", 0, 1000), Config("packet", 128, 4096), Config("packet", 77, 99)


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    path = tmp_path / "boot_id"
    path.write_text("this boot\n")
    return path


def test_what_a_killed_run_had_found_is_given_back(tmp_path: Path, boot: Path) -> None:
    """However often it is killed, in whatever mode it was, and with other settings at the next start."""
    assert Memory(tmp_path, boot).original(FOUND, OURS) == FOUND
    assert Memory(tmp_path, boot).original(OURS, OURS) == FOUND
    assert Memory(tmp_path, boot).original(OURS._replace(mode="summary"), Config("packet", 256, 8192)) == FOUND
    assert Memory(tmp_path, boot).original(Config("packet", 256, 8192), OURS) == FOUND


def test_what_another_program_has_set_since_is_the_original(tmp_path: Path, boot: Path) -> None:
    """It is given back then."""
    Memory(tmp_path, boot).original(FOUND, OURS)
    assert Memory(tmp_path, boot).original(OTHER, OURS) == OTHER
    assert Memory(tmp_path, boot).original(OURS, OURS) == OTHER


def test_a_boot_begins_anew(tmp_path: Path, boot: Path) -> None:
    """The monitor's settings are lost with a boot: what is found then is nobody's rest."""
    Memory(tmp_path, boot).original(FOUND, OURS)
    boot.write_text("next boot\n")
    assert Memory(tmp_path, boot).original(OURS, OURS) == OURS


def test_what_was_given_back_is_forgotten(tmp_path: Path, boot: Path) -> None:
    """A clean end leaves no file, and forgetting twice is nothing."""
    memory = Memory(tmp_path, boot)
    memory.original(FOUND, OURS)
    memory.forget()
    memory.forget()
    assert list(tmp_path.iterdir()) == [boot]
    assert memory.original(OURS, OURS) == OURS


@pytest.mark.parametrize("text", [
    "", "{}", "[]", '{"boot": "this boot", "original": [1], "ours": 7}', "\0\xff",
    '{"boot": "this boot", "original": ["all", 0, 1000], "ours": ["packet", 256, 1000]}',
    '{"boot": "this boot", "original": ["packet", -1, 1000], "ours": ["packet", 256, 1000]}'])
def test_a_file_that_makes_no_sense(text: str, tmp_path: Path, boot: Path) -> None:
    """It is as good as none, and is written anew."""
    (tmp_path / "net_dm.json").write_text(text)
    assert Memory(tmp_path, boot).original(FOUND, OURS) == FOUND
    assert Memory(tmp_path, boot).original(OURS, OURS) == FOUND


def test_without_a_place_nothing_is_kept(tmp_path: Path, boot: Path) -> None:
    """No folder, or none that can be written: what is found is the original."""
    for state in (None, tmp_path / "missing"):
        Memory(state, boot).original(FOUND, OURS)
        assert Memory(state, boot).original(OURS, OURS) == OURS
