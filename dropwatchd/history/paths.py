"""Where the history is kept, for the daemon that writes it and for reports that read it."""

import os
from pathlib import Path

NAME = "history.db"
_OF_THE_HOST = Path("/var/lib/dropwatchd")
_FLEET = ("postgresql://", "postgres://")


def default_database() -> Path:
    """Return the database that a daemon of this user writes: systemd's folder, the host's for root, else the user's."""
    state = os.environ.get("STATE_DIRECTORY", "")
    if state:
        return Path(state.split(":")[0]) / NAME  # systemd joins several folders with colons: systemd.exec(5)
    if os.geteuid() == 0:
        return _OF_THE_HOST / NAME
    return _of_the_user() / NAME


def database_to_read() -> Path:
    """Return the default database, or the host's where an ordinary user has none of their own."""
    own, shared = default_database(), _OF_THE_HOST / NAME
    return shared if not _exists(own, if_closed=False) and _exists(shared, if_closed=True) else own


def is_fleet(database: str) -> bool:
    """Say whether the name of a database means a central one, of many hosts; all else is a file."""
    return database.startswith(_FLEET)


def _of_the_user() -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG base directory specification has relative paths ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "dropwatchd"


def _exists(path: Path, *, if_closed: bool) -> bool:
    """Say whether a file is there; in a folder that is closed to us nobody can tell, and `if_closed` decides."""
    try:
        return path.exists()
    except PermissionError:
        return if_closed
