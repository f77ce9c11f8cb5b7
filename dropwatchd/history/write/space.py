"""How much room a history takes, with its write-ahead log, and giving back what it needs no longer."""

import logging
from pathlib import Path
from sqlite3 import Connection

from dropwatchd.history.write.connection import scalar
from dropwatchd.history.write.file import beside
from dropwatchd.history.write.options import RetentionOptions

log = logging.getLogger(__name__)
_MIB = 1 << 20
_LOG_MIB = 24        # that the log may take, or its part of a small bound
_LOG_PART = 3 / 8
_TELL_BYTES = 64 * _MIB
_GIVEN_BACK = 512    # pages at a time: they go through the log
_KEPT = 1024         # free pages, or an eighth of the file, that are not worth it: they are used again


class Space:
    """The size of a database and its log. All but `held_up` is for the thread that writes."""

    def __init__(self, connection: Connection, database: Path) -> None:
        self._connection = connection
        self._log = beside(database, "-wal")
        self._told = False

    def is_pressed(self, options: RetentionOptions) -> bool:
        """Say whether what is in use exceeds the bound, less the room that the log needs."""
        return self._used_bytes() > _room_bytes(options)

    def is_due(self, options: RetentionOptions) -> bool:
        """Say whether there is something to do at once."""
        return self.is_pressed(options) or self.wal_bytes() > _log_bytes(options)

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log."""
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def held_up(self) -> str:
        """Say that the log grows, where it does."""
        size = self.wal_bytes()
        return f"a reader keeps the write-ahead log from shrinking: {size // _MIB} MiB" if size > _TELL_BYTES else ""

    def tidy(self, options: RetentionOptions) -> bool:
        """Give back some free pages, and the log where no reader is in the way; say whether there is more."""
        more = self._give_back(options)
        if self.wal_bytes() > _log_bytes(options) / 2:
            self._truncate_log()
        return more

    def database_bytes(self) -> int:
        """Return the size of the database; its file has less where the log has not been copied yet, or more."""
        return self._pragma("page_count") * self._pragma("page_size")

    def _used_bytes(self) -> int:
        pages, free, size = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def _give_back(self, options: RetentionOptions) -> bool:
        pages, free, size = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
        wanted = free > max(_KEPT, pages // 8) or pages * size > _room_bytes(options)
        if not free or not wanted or not self._pragma("auto_vacuum"):
            return False
        # Each step of it gives back one page, and has no row to fetch: a script is stepped through to its end.
        self._connection.executescript(f"PRAGMA incremental_vacuum({_GIVEN_BACK})")
        return free > _GIVEN_BACK

    def _truncate_log(self) -> None:
        """Copy the log into the database and make it empty; a reader that needs it is not waited for."""
        connection = self._connection
        waits = self._pragma("busy_timeout")
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {waits}")
        size = self.wal_bytes()
        if busy and size > _TELL_BYTES and not self._told:
            log.warning("a reader holds the history open: its write-ahead log has grown to %d MiB, and shrinks when "
                        "that reader ends", size // _MIB)
        elif not busy and self._told:
            log.info("the write-ahead log has shrunk again")
        self._told = bool(busy) and (self._told or size > _TELL_BYTES)

    def _pragma(self, name: str) -> int:
        return int(scalar(self._connection, f"PRAGMA {name}"))


def _log_bytes(options: RetentionOptions) -> int:
    return int(min(_LOG_MIB, options.max_mib * _LOG_PART) * _MIB)


def _room_bytes(options: RetentionOptions) -> int:
    return options.max_mib * _MIB - _log_bytes(options)
