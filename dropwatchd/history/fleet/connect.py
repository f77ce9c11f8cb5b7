"""Connecting to a central history; what is missing for that, or does not answer, is told in one line."""

from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

REVISION = "0004"
_OLDEST = "0001"  # that this program can write and read: hosts and servers are not upgraded at one moment


class FleetError(Exception):
    """A central history cannot be used. The text says what is wrong, and what to do."""


def connect(url: str, *, unchecked: bool = False) -> "Connection[Any]":
    """Connect, and see that it is a central history that can be used, if not who calls does; raise FleetError.

    What the URL leaves open is taken from where psql takes it: PG* variables, a service file, ~/.pgpass. Nothing stays
    in a session, prepared statements neither: a pool may give the next statement to another one.
    """
    driver = psycopg()
    try:
        connection: Connection[Any] = driver.connect(url, connect_timeout=10, autocommit=True,
                                                     application_name="dropwatchd", client_encoding="UTF8",
                                                     prepare_threshold=None)
        if not unchecked:
            check(connection)
    except driver.Error as error:
        raise explained(error) from error
    return connection


def psycopg() -> Any:
    """Return the driver, which is no part of an installation that has one host; raise FleetError."""
    try:
        return import_module("psycopg")
    except ImportError as error:
        raise FleetError(f"a central history takes psycopg and libpq ({error}); pip install 'dropwatchd[fleet]', or "
                         "beside a package of this program install libpq5, on Debian 13 python3-psycopg") from error


def check(connection: "Connection[Any]") -> str:
    """Return the revision of a central history; raise FleetError where there is none, or it is too old or too new."""
    [(there,)] = connection.execute("SELECT to_regclass('dropwatch.revision')").fetchall()
    if there is None:
        raise FleetError("there is no central history in this database; make one with dropwatchd-upload --setup")
    [(found,)] = connection.execute("SELECT to_jsonb(r) FROM dropwatch.revision r").fetchall()
    revision, usable_from = found["revision"], found.get("usable_from", found["revision"])
    if usable_from > REVISION or revision < _OLDEST:
        raise FleetError(f"the central history has schema {revision}, this program's is {REVISION}; upgrade "
                         f"{'dropwatchd here' if revision > REVISION else 'it with dropwatchd-upload --setup'}")
    return str(revision)


def explained(error: Exception) -> FleetError:
    """Return what a driver's error means, with something to do: the server's first line says what."""
    text = " ".join(str(error).split("\n")[0].split()) or type(error).__name__
    return FleetError(f"the central history cannot be used ({text}); check the server, the name and the rights with "
                      "psql")


def script(name: str) -> str:
    """Return one of our SQL files."""
    return resources.files(__package__).joinpath(name).read_text()
