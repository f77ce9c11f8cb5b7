"""Where the history is kept."""

import os
from pathlib import Path

import pytest

from dropwatchd.history import paths

SHARED = Path("/var/lib/dropwatchd/history.db")


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Become an ordinary user with a home of their own, as far as the rule can see."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


@pytest.mark.usefixtures("user")
def test_systemd_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of its folders."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    assert paths.default_database() == Path("/var/lib/one/history.db")


@pytest.mark.usefixtures("user")
def test_root_records_for_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the service."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert paths.default_database() == SHARED


def test_a_user_records_at_home(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the XDG base directory specification, which has relative paths ignored."""
    assert paths.default_database() == user / ".local/state/dropwatchd/history.db"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert paths.default_database() == user / ".local/state/dropwatchd/history.db"
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert paths.default_database() == Path("/elsewhere/dropwatchd/history.db")


def test_a_user_reads_what_is_theirs_and_else_the_hosts(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One's own comes first."""
    shared = user / "var" / "history.db"
    monkeypatch.setattr(paths, "_OF_THE_HOST", shared.parent)
    own = user / ".local/state/dropwatchd/history.db"
    assert paths.database_to_read() == own
    shared.parent.mkdir()
    shared.touch()
    assert paths.database_to_read() == shared
    own.parent.mkdir(parents=True)
    own.touch()
    assert paths.database_to_read() == own
