"""`dropwatchd --check`: what would be recorded on this host, and why the rest would not."""

from pathlib import Path

from tabulate import tabulate

from dropwatchd.collectors import AbsentError, collectors
from dropwatchd.config import Config
from dropwatchd.history.open import HistoryError, lock, revision
from dropwatchd.history.paths import default_database
from dropwatchd.kernel.host import Host
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.choose import candidates

_Row = tuple[str, str, str, str]


def check(config: Config) -> int:
    """Print a table; return 0 when something can record, else 1."""
    rows = [*_sources(config), *_collectors(config), _database(config)]
    print(tabulate(rows, ["what", "name", "works", "why not, or what it sees"], tablefmt="simple"))  # noqa: T201
    able = {what for what, _, works, _ in rows if works == "yes"}
    return 0 if "database" in able and len(able) > 1 else 1


def _sources(config: Config) -> list[_Row]:
    rows = []
    for source in candidates(config):
        try:
            source.open()
        except UnavailableError as error:
            rows.append(("source", source.name, "no", str(error)))
        else:
            source.close()
            rows.append(("source", source.name, "yes", source.scope + " drops"))
    return rows


def _collectors(config: Config) -> list[_Row]:
    rows = []
    for name, collect in collectors(config.counters.disabled).items():
        try:
            found = len(list(collect(Host())))
        except AbsentError as error:
            rows.append(("collector", name, "absent", str(error)))
        except Exception as error:  # noqa: BLE001 - each collector is on trial
            rows.append(("collector", name, "no", f"{type(error).__name__}: {error}"))
        else:
            rows.append(("collector", name, "yes", f"{found} counters"))
    return rows


def _database(config: Config) -> _Row:
    path = Path(config.database) if config.database else default_database()
    try:
        found = revision(path)
        with lock(path):
            return ("database", str(path), "yes", f"schema {found}" if found else "new")
    except HistoryError as error:
        return ("database", str(path), "no", str(error))
