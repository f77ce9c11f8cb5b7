"""Names of network namespaces over time: a name holds from when its file appears until it goes or points elsewhere."""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from threading import Lock

from dropwatchd.kernel.inhabitants import Inhabitants
from dropwatchd.kernel.inotify import Inotify
from dropwatchd.kernel.netns import entered, numbered, own
from dropwatchd.model import NANO, Event, Namespace

log = logging.getLogger(__name__)
# Who keeps namespaces as files; where two have the same name the first counts.
FOLDERS = {Path("/run/netns"): "netns", Path("/run/docker/netns"): "container"}
_KEPT_NS = 3600 * NANO  # of names that have gone: drops are read after they happened, at most so long
_MOST = 20_000          # names looked for; a host with more has them unnamed
_DEAF_S = 1.0           # between two looks where the kernel does not tell of changes
_COARSE_NS = 10_000_000  # by so much the clock of files may be behind: a tick at HZ=100
_SOON_S = 0.05          # until a file is looked at again that was not mounted yet: no event tells of that

CookieOf = Callable[[int], int | None]


@dataclass(frozen=True, slots=True)
class Name:
    """What a file called a namespace, from `since_ns` until `until_ns` (None: it still does).

    `inode` and `made_ns` tell that it points to the same namespace still: an inode is soon used again, its time is not.
    """

    namespace: Namespace
    path: Path
    made_ns: int
    since_ns: int
    until_ns: int | None = None

    def holds(self, time_ns: int, slack_ns: int) -> bool:
        """Say whether it held then; `slack_ns`: files tell the tick in which a name went, and it may be all of that."""
        return self.since_ns <= time_ns and (self.until_ns is None or time_ns < self.until_ns + slack_ns)


class NetnsNames:
    """Knows who was called what at which time. Threads may ask; one looks.

    `cookie_of` gives the cookie of an open namespace file, where somebody can: that binds a name to one namespace,
    though its inode be given to another the next moment. `version` rises with each change.
    """

    def __init__(self, folders: Mapping[Path, str] = FOLDERS) -> None:
        self.cookie_of: CookieOf = cookie_by_entering
        self.version = 0
        self._folders = folders
        self.at_start = own()
        self._device = Path("/proc/self/ns/net").stat().st_dev  # of nsfs, where all namespaces live
        self._held: dict[Path, Name] = {}
        self._of_inode: dict[int, list[Name]] = defaultdict(list)
        self._lock = Lock()
        self._inotify = Inotify()
        self._inhabitants = Inhabitants()
        self._untold: set[Path] = set()  # folders of whose changes the kernel does not tell
        self._again: float | None = None
        self._awaited = False  # a file is there that may yet be mounted on
        self._found: list[Event | Namespace] = []  # and not yet told of
        self._looked_ns = 0
        self.look()

    def fileno(self) -> int:
        """Return the descriptor that is readable when names may have come or gone."""
        return self._inotify.fileno()

    def close(self) -> None:
        self._inotify.close()

    def deadline(self) -> float | None:
        """Return the time.monotonic() at which to look again though nothing was told."""
        return min(filter(None, (self._again, self._inhabitants.deadline())), default=None)

    def use(self, cookie_of: CookieOf) -> None:
        """Ask this from now on, also for the names that hold already."""
        self.cookie_of = cookie_of
        with self._lock:
            for path, name in list(self._held.items()):
                if not name.namespace.cookie:
                    self._held[path] = bound = replace(name, namespace=self._namespace(path, name.namespace.inode))
                    of_inode = self._of_inode[name.namespace.inode or 0]
                    of_inode[:] = [bound if known is name else known for known in of_inode]
            self.version += 1

    def has_news(self) -> bool:
        """Say whether it is time to look; what was told is forgotten."""
        return self._inotify.drain()

    def look(self) -> list[Event | Namespace]:
        """Look at the folders; return what has come and gone, and of which namespaces that is told."""
        self._inotify.drain()
        with self._lock:
            lives = self._inhabitants.look(self.cookie_of)
            self.version += bool(lives)
            named = [numbered(*key, home.name, home.kind) for key, home in lives.items()]
            self._look()
            told, self._found = [*named, *self._found], []
            return told

    def _listen(self, folder: Path) -> None:
        """Have the kernel tell of a folder's changes; where it does not, it is looked at every second."""
        try:
            if not self._inotify.watch(folder):
                self._inotify.watch(folder.parent)
        except OSError as error:
            if folder not in self._untold:
                self._untold.add(folder)
                log.warning("names of namespaces: the kernel does not tell of changes in %s (%s): names that last less "
                            "than %g s are missed; raise fs.inotify.max_user_watches and max_user_instances", folder,
                            error.strerror, _DEAF_S)
        else:
            self._untold.discard(folder)

    def _look(self) -> None:
        for folder in self._folders:
            self._listen(folder)
        self._found += self._changes(time.time_ns())

    def _changes(self, now_ns: int) -> Iterator[Event | Namespace]:
        found: dict[Path, os.stat_result] = {}
        self._again, self._awaited = time.monotonic() + _DEAF_S if self._untold else None, False
        for folder in self._folders:
            found |= self._entries(folder)
        for path in self._held.keys() - found.keys():
            yield self._gone(path, now_ns)
        for path, status in found.items():
            held = self._held.get(path)
            if held and (held.namespace.inode, held.made_ns) == (status.st_ino, status.st_ctime_ns) \
                    and not self._is_another(path, held):
                continue
            if held:
                yield self._gone(path, now_ns)
            yield from self._came(path, status, now_ns)
        self._looked_ns = now_ns

    def _is_another(self, path: Path, held: Name) -> bool:
        """Say whether a name is of another namespace that was made within the same tick: its cookie tells."""
        if held.made_ns <= self._looked_ns - _COARSE_NS or not held.namespace.cookie:
            return False
        return self._namespace(path, held.namespace.inode).cookie not in {None, held.namespace.cookie}

    def _entries(self, folder: Path) -> dict[Path, os.stat_result]:
        """Return the namespaces mounted in a folder: `ip netns add` makes a file, then mounts."""
        found: dict[Path, os.stat_result] = {}
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = os.stat(entry.path)  # noqa: PTH116 - follows the mount, DirEntry does not
                    if status.st_dev != self._device:
                        if _is_young(status):
                            self._again, self._awaited = time.monotonic() + _SOON_S, True
                    elif len(found) < _MOST:
                        found[Path(entry.path)] = status
        return found

    def _came(self, path: Path, status: os.stat_result, now_ns: int) -> Iterator[Event | Namespace]:
        namespace = self._namespace(path, status.st_ino)
        since_ns = min(now_ns, self._named_ns(path, status)) if self._looked_ns else 0
        self._held[path] = name = Name(namespace, path, status.st_ctime_ns, since_ns)
        self._of_inode[status.st_ino].append(name)
        self.version += 1
        yield namespace
        if self._looked_ns:
            yield Event(since_ns, "netns added", namespace.name or "", "", namespace.number)

    def _named_ns(self, path: Path, status: os.stat_result) -> int:
        """Return when a name came that was not there at the last look.

        A namespace's inode is made when its file is opened first: where that was since, to be given this name. The
        folder's time is that of the last name that came or went, of many perhaps.
        """
        if status.st_ctime_ns > self._looked_ns - _COARSE_NS:
            return status.st_ctime_ns
        return max(self._looked_ns, _modified_ns(path.parent, self._looked_ns))

    def _namespace(self, path: Path, inode: int | None) -> Namespace:
        cookie = None
        with suppress(OSError), path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino == inode:  # else it was replaced just now, which the next look sees
                cookie = self.cookie_of(file.fileno())
        return numbered(inode or 0, cookie, printable(path.name), self._folders[path.parent])

    def _gone(self, path: Path, now_ns: int) -> Event:
        """Say that a name has gone: by the folder's time, unless its file is there still, and no namespace any more."""
        held = self._held.pop(path)
        until_ns = now_ns if _is_plain(path) else min(now_ns, max(held.since_ns, _modified_ns(path.parent, now_ns)))
        of_inode = self._of_inode[held.namespace.inode or 0]
        of_inode[:] = [replace(name, until_ns=until_ns) if name is held else name for name in of_inode
                       if name.until_ns is None or name.until_ns > now_ns - _KEPT_NS]
        self.version += 1
        return Event(until_ns, "netns removed", held.namespace.name or "", "", held.namespace.number)

    def at(self, inode: int, cookie: int | None, time_ns: int) -> Namespace:
        """Return a namespace with the name that it had at a time, or else with what lives in it, if any."""
        if inode == self.at_start.inode and cookie in {None, self.at_start.cookie}:
            return self.at_start
        with self._lock:
            named = self._named(inode, cookie, time_ns)
            if not named and (self._inotify.drain() or self._awaited):  # it got its name since the last look
                self._look()
                self._again = time.monotonic()  # what was found is to be told
                named = self._named(inode, cookie, time_ns)
        if named:
            return named
        lives = self._inhabitants.of(inode, cookie, self.cookie_of)
        return numbered(inode, cookie, lives.name, lives.kind) if lives else numbered(inode, cookie)

    def _named(self, inode: int, cookie: int | None, time_ns: int) -> Namespace | None:
        for slack_ns, name in product((0, _COARSE_NS), self._of_inode.get(inode, ())):
            known = name.namespace.cookie
            if name.holds(time_ns, slack_ns) and (not known or not cookie or known == cookie):
                return numbered(inode, cookie or known, name.namespace.name, name.namespace.kind)
        return None

    def present(self) -> list[Name]:
        """Return the names that hold now, in the order of folders and names; each name once."""
        with self._lock:
            names = {name.namespace.name: name for folder in reversed(list(self._folders))
                     for path, name in sorted(self._held.items()) if path.parent == folder}
        return list(names.values())

    def clock_set(self, step_ns: int) -> None:
        """Move all times by what the wall clock was set."""
        with self._lock:
            self._held.clear()
            for names in self._of_inode.values():
                names[:] = [_moved(name, step_ns) for name in names]
                self._held |= {name.path: name for name in names if name.until_ns is None}
            self._looked_ns += step_ns
            self.version += 1


def cookie_by_entering(descriptor: int) -> int | None:
    """Return the cookie of a namespace file, None without the right to enter it (CAP_SYS_ADMIN)."""
    with suppress(OSError), entered(Path(f"/proc/self/fd/{descriptor}")) as namespace:
        return namespace.cookie
    return None


def printable(name: str) -> str:
    """Return a file's name as text: what is not UTF-8 is escaped, as in names of interfaces."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _moved(name: Name, step_ns: int) -> Name:
    until_ns = None if name.until_ns is None else name.until_ns + step_ns
    return replace(name, since_ns=name.since_ns and name.since_ns + step_ns, until_ns=until_ns)


def _is_plain(path: Path) -> bool:
    """Say whether a file is there, and nothing is mounted on it."""
    with suppress(OSError):
        return path.stat().st_dev == path.parent.stat().st_dev
    return False


def _is_young(status: os.stat_result) -> bool:
    """Say whether a file may yet be mounted on; one that was left behind by a crash never is."""
    return abs(time.time_ns() - status.st_ctime_ns) < NANO


def _modified_ns(folder: Path, otherwise_ns: int) -> int:
    with suppress(OSError):
        return folder.stat().st_mtime_ns
    return otherwise_ns
