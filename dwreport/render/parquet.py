"""Tables as Parquet files: loaded into a DuckDB of their own, joined there, and written.

It keeps what has no room in memory in files of the folder that it is given.
"""

# ruff: noqa: S608 - names of tables, columns and files are those of this program.

import csv
import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "256MB"  # of which some is for each thread
_THREADS = 2
_AT_ONCE = 50_000  # rows that are handed over
_TYPES = {"INTEGER": "BIGINT", "BIGINT": "BIGINT", "BOOLEAN": "BOOLEAN", "TEXT": "VARCHAR", "BLOB": "BLOB"}
# Text and bytes are handed over as x and their hexadecimal digits: nothing in them can be taken for the end of one, an
# empty text is not NULL, and zero bytes stay.
_UNPACKED = {"VARCHAR": "decode(unhex(substr({0}, 2)))", "BLOB": "unhex(substr({0}, 2))"}


class NoDuckDbError(Exception):
    """DuckDB, an extra of this program, is not installed. The text says what to do."""


class Tables:
    """Tables that files are written from."""

    def __init__(self, connection: "DuckDBPyConnection", folder: str) -> None:
        self._connection = connection
        self._folder = folder

    def load(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """Make a table; `columns` have the types of SQLite."""
        types = {name: _TYPES[kind] for name, kind in columns.items()}
        made = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        self._connection.execute(f"CREATE TABLE {table} ({made})")
        packed = [place for place, kind in enumerate(types.values()) if kind in _UNPACKED]
        given = ", ".join(f"'{name}': '{'VARCHAR' if kind in _UNPACKED else kind}'" for name, kind in types.items())
        taken = ", ".join(_UNPACKED.get(kind, "{0}").format(f'"{name}"') for name, kind in types.items())
        insert = f"""INSERT INTO {table} SELECT {taken} FROM read_csv('{self._folder}/rows.csv', auto_detect=false,
                     header=false, delim=',', quote='', escape='', nullstr='', columns={{{given}}})"""
        path, rest = Path(self._folder, "rows.csv"), iter(rows)
        while some := list(islice(rest, _AT_ONCE)):
            with path.open("w") as file:
                csv.writer(file, lineterminator="\n").writerows(_packed(some, packed) if packed else some)
            self._connection.execute(insert)
            path.unlink()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self._connection.execute(query).fetchall()

    def write(self, query: str, name: str) -> None:
        """Write what a query finds into a file of the folder: in Parquet of version 1, which all readers know."""
        self._connection.execute(f"COPY ({query}) TO '{self._folder}/{name}' (FORMAT parquet, COMPRESSION zstd)")


def _packed(rows: Iterable[Sequence[Any]], places: Sequence[int]) -> Iterator[list[Any]]:
    for row in rows:
        packed = list(row)
        for place in places:
            if (value := packed[place]) is not None:
                packed[place] = f"x{(value.encode() if isinstance(value, str) else value).hex()}"
        yield packed


@contextmanager
def tables(folder: Path) -> Iterator[Tables]:
    """Lend a DuckDB whose files are in a folder; raise NoDuckDbError, or OSError for whatever it cannot write."""
    try:
        import duckdb  # noqa: PLC0415 - an extra, and of archives alone
    except ImportError as error:
        raise NoDuckDbError(f"Parquet takes DuckDB ({error}); pip install 'dropwatchd[parquet]'") from error
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # By a name without any character that means something in SQL, or as a pattern of names.
    place = f"/proc/self/fd/{descriptor}"
    try:
        with duckdb.connect(f"{place}/rows.duckdb", config={
            "memory_limit": _MEMORY, "threads": _THREADS, "temp_directory": f"{place}/spill",
            "autoinstall_known_extensions": False,  # never ask the network
        }) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            # Else a column without NULL here could not have one, and files of one kind had schemas of their own.
            connection.execute("SET disabled_optimizers = 'statistics_propagation'")
            connection.execute("CREATE MACRO iif(a, b, c) AS CASE WHEN a THEN b ELSE c END")  # as in SQLite
            yield Tables(connection, place)
    except duckdb.Error as error:
        text = " ".join(str(error).split("\n")[0].split())
        raise OSError(errno.EIO, text.rpartition('": ')[2]) from error  # behind the name of a file
    finally:
        os.close(descriptor)
