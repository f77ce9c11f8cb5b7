"""What each library adds to a process that imports it."""

import json
import subprocess
import sys

Row = tuple[str, str, str]
_MODULES = ("sqlite3", "msgspec", "sqlalchemy", "pyroute2", "sdnotify", "alembic", "click", "tabulate")
_MEASURE = """
import importlib, json, sys, time
def resident():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) / 1024
before, started = resident(), time.perf_counter()
importlib.import_module(sys.argv[1])
print(json.dumps([(time.perf_counter() - started) * 1000, resident() - before]))
"""


def imports() -> list[Row]:
    """Return milliseconds and MiB of each library, alone in a new process."""
    rows = []
    for module in _MODULES:
        done = subprocess.run([sys.executable, "-c", _MEASURE, module], check=True, capture_output=True, text=True)
        milliseconds, mib = json.loads(done.stdout)
        rows.append((f"import {module}", f"{milliseconds:.0f} ms, {mib:.1f} MiB", ""))
    return rows
