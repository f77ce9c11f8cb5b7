"""What lives in a network namespace that no file names: a container, pod or unit, by the processes in it."""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from dropwatchd.kernel.cgroups import Engines, Home, home, path_of

log = logging.getLogger(__name__)
_EVERY_S = 0.1   # between two looks at all processes, at least; a look takes some 15 ms for each thousand of them
_SHARE = 100      # and so many times as long as the last one took: 1 % of a CPU, however many there are
_AGAIN_S = 10.0  # until one is looked for again that was not found: its process may have moved to a group since
_MOST = 20_000   # namespaces remembered, and processes looked at
_Key = tuple[int, int | None]  # inode and cookie
_START_FIELD = 19  # of /proc/PID/stat, behind the name: starttime in ticks since boot (proc_pid_stat(5))


class Inhabitants:
    """Looks when it is asked for a namespace that it does not know, and not too often. Threads may ask.

    The processes are those that are there now: a namespace is told by its cookie, for its inode may be another's by
    now; where the kernel tells no cookie, nothing is named.
    """

    def __init__(self, proc: Path = Path("/proc"), engines: Engines | None = None) -> None:
        self._proc = proc
        self._engines = engines or Engines()
        self._homes: dict[_Key, Home] = {}
        self._missed: dict[_Key, float] = {}
        self._waiting: set[_Key] = set()
        self._due_s = 0.0
        self._refused = False
        self._lock = Lock()

    def of(self, inode: int, cookie: int | None, cookie_of: Callable[[int], int | None]) -> Home | None:
        """Return what lives in a namespace; None where that is not known, or not yet: see `look`."""
        key = inode, cookie
        with self._lock:
            if cookie and key not in self._homes and time.monotonic() > self._missed.get(key, -_AGAIN_S) + _AGAIN_S:
                self._waiting.add(key)
                self._look(cookie_of)
            return self._homes.get(key)

    def deadline(self) -> float | None:
        """Return the time.monotonic() at which to look, if anything waits for that."""
        return self._due_s if self._waiting else None

    def look(self, cookie_of: Callable[[int], int | None]) -> dict[_Key, Home]:
        """Look for what was asked for too soon after a look; return what was found."""
        with self._lock:
            return self._look(cookie_of)

    def _look(self, cookie_of: Callable[[int], int | None]) -> dict[_Key, Home]:
        now_s, busy_s = time.monotonic(), time.thread_time()
        if not self._waiting or now_s < self._due_s:
            return {}
        waiting = set(self._waiting)
        self._waiting.clear()
        for known in (self._homes, self._missed):
            if len(known) > _MOST:
                known.clear()
        there = self._by_namespace({inode for inode, _cookie in waiting})
        looked = {key: self._home(key, there.get(key[0], []), cookie_of) for key in waiting}
        found = {key: lives for key, lives in looked.items() if lives}
        self._homes |= found
        self._missed |= dict.fromkeys(looked.keys() - found.keys(), now_s)
        self._due_s = now_s + max(_EVERY_S, _SHARE * (time.thread_time() - busy_s))
        return found

    def _by_namespace(self, wanted: set[int]) -> dict[int, list[Path]]:
        """Return inode -> processes, as far as they may be looked at: of others' it takes CAP_SYS_PTRACE."""
        found: dict[int, list[Path]] = defaultdict(list)
        refused = 0
        for process in self._processes():
            try:
                inode = os.stat(process / "ns/net").st_ino  # noqa: PTH116 - thousands of these
            except PermissionError:
                refused += 1
                continue
            except OSError:
                continue
            if inode in wanted:
                found[inode].append(process)
        if refused and not self._refused:
            self._refused = True
            log.warning("namespaces without a file are not named by what lives in them, where that is another user's: "
                        "it takes CAP_SYS_PTRACE, as in evidence.conf")
        return found

    def _processes(self) -> Iterator[Path]:
        with suppress(OSError), os.scandir(self._proc) as entries:
            for entry in entries:
                if entry.name.isdecimal():
                    yield Path(entry.path)

    def _home(self, key: _Key, processes: list[Path], cookie_of: Callable[[int], int | None]) -> Home | None:
        """Return what the oldest process of a namespace lives in: who made it, for a container its first."""
        for process in sorted(processes, key=_started):
            with suppress(OSError):
                with (process / "ns/net").open("rb") as file:
                    if os.fstat(file.fileno()).st_ino != key[0] or cookie_of(file.fileno()) != key[1]:
                        continue
                found = home(path_of((process / "cgroup").read_text(errors="backslashreplace")), self._engines)
                if found:
                    return found
        return None


def _started(process: Path) -> int:
    """Return when a process began, in ticks since boot; the name, which may hold anything, ends with a bracket."""
    with suppress(OSError, ValueError, IndexError):
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[_START_FIELD])
    return 1 << 62
