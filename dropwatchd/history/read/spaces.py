"""What network namespaces are, so that a command can be run in one."""

from typing import cast

from dropwatchd.history.read.reader import Reader
from dropwatchd.model import Namespace


def spaces(reader: Reader) -> dict[int, Namespace]:
    """Return each namespace of the history, under its newest name if it ever had one."""
    rows = reader.rows("""SELECT entity, inode, name, kind, cookie FROM namespaces
                          ORDER BY name IS NOT NULL, valid_until_ns""")
    return {row[0]: Namespace(*row)
            for row in cast("list[tuple[int, int | None, str | None, str | None, int | None]]", list(rows))}
