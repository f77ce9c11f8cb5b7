"""Logging to stderr, with journald's priorities where stderr is the journal (sd-daemon(3))."""

import logging
import os
import sys

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Put the priority before every line, for the journal reads lines."""
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def to_journal() -> bool:
    """Say whether stderr is connected to the journal: systemd names the stream's device and inode."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def set_up() -> None:
    """Send all log messages to stderr."""
    handler = logging.StreamHandler()
    plain = "%(message)s" if to_journal() else "%(asctime)s %(levelname)-7s %(message)s"
    handler.setFormatter((_JournalFormatter if to_journal() else logging.Formatter)(plain, "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
