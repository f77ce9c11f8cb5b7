"""Hardware drops from the kernel's own reports: woken by the first, read once a window, silent when nothing drops."""

import time
from collections.abc import Iterator

from dropwatchd.kernel.clock import boot_ns, to_wall_ns
from dropwatchd.kernel.netns import numbered
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.kernel.traps import Trapped, Traps
from dropwatchd.model import (
    NANO,
    Drop,
    DropKey,
    Effect,
    Gap,
    GapCause,
    Interface,
    Kind,
    Location,
    Mark,
    Record,
    Resumed,
)
from dropwatchd.sources import UnavailableError


class DevlinkSource:
    """Counts what devlink traps report, by trap, port, namespace and protocol; needs BPF, and a kernel with devlink."""

    name = "devlink"
    scope = "hardware"
    limits = ()
    samples = False
    resumed: Resumed | None = None

    def __init__(self, window_ns: int = NANO, names: NetnsNames | None = None) -> None:
        self._window_ns = window_ns
        self._names = names
        self._traps: Traps | None = None
        self._seen: dict[tuple[object, ...], tuple[int, int]] = {}
        self._due: float | None = None
        self._read_ns = 0

    def open(self) -> None:
        """Load and attach. Raises UnavailableError: libbpf, rights, lockdown, a kernel without devlink."""
        try:
            self._traps = Traps()
            self._traps.arm()
        except OSError as error:
            raise UnavailableError(f"hardware drops cannot be counted by BPF ({error.strerror})",
                                   "use a kernel with devlink and the rights of BPF, or the drop monitor") from error
        self._seen, self._due, self._read_ns = {}, None, boot_ns()

    def fileno(self) -> int:
        """Return what turns readable at the first report after a quiet time."""
        return self._opened().fileno()

    def deadline(self) -> float | None:
        """Return when the running window ends; None while nothing is reported."""
        return self._due

    def read(self) -> list[Record]:
        """Return what was counted, once the window has ended."""
        self._opened().hear()
        if self._due is None:
            self._due = self._window_end()
            return []
        if time.monotonic() < self._due:
            return []
        records = list(self._take())
        self._due = self._window_end() if records else None
        return records

    def complete_until(self) -> int:
        """Return when the counts were read last; at rest that is now, for any report would have disarmed us."""
        now_ns = boot_ns()
        if self._due is None and self._opened().is_armed():
            self._read_ns = now_ns
        return self._read_ns + to_wall_ns()

    def mark(self) -> Mark | None:
        """Return None: it ends with us."""

    def leave(self) -> list[Record]:
        return self.close()

    def close(self) -> list[Record]:
        """Detach, and return all that was counted before. Closing twice does nothing."""
        traps = self._traps
        if traps is None:
            return []
        traps.detach()
        try:
            return list(self._take())
        finally:
            self._traps = None
            traps.close()

    def _opened(self) -> Traps:
        assert self._traps  # noqa: S101 - the protocol: it is open
        return self._traps

    def _window_end(self) -> float:
        return time.monotonic() + (self._window_ns - time.time_ns() % self._window_ns) / NANO

    def _take(self) -> Iterator[Record]:
        """Yield what is new. Arming comes before reading: a report that this read misses wakes us."""
        traps, to_wall = self._opened(), to_wall_ns()
        since_ns = max(self._read_ns, traps.arm())
        self._read_ns = boot_ns()
        for one in traps.counts():
            known = one[:-3]
            count, octets = self._seen.get(known, (0, 0))
            if (new := one.packets - count) > 0:
                self._seen[known] = one.packets, one.octets
                last_ns = max(one.last_ns, since_ns)
                yield Drop(self._key(one, last_ns + to_wall), new, one.octets - octets, since_ns + to_wall,
                           last_ns + to_wall)
                if not one.trap:
                    yield Gap(since_ns + to_wall, self._read_ns + to_wall, GapCause.MAP_FULL, Effect.DETAIL, new,
                              self.scope, "counted alone; trap, interface and protocol unknown")

    def _key(self, one: Trapped, time_ns: int) -> DropKey:
        kind = Kind(None, one.protocol or None, "hardware", one.trap or None, one.group or None)
        return DropKey(Location(None), kind, self._interface(one, time_ns))

    def _interface(self, one: Trapped, time_ns: int) -> Interface:
        index, name = one.ifindex or None, one.ifname or None
        if not one.netns:
            return Interface(None, index, name)
        cookie = one.cookie or None
        there = self._names.at(one.netns, cookie, time_ns) if self._names else numbered(one.netns, cookie)
        return Interface(there.number, index, name, there.name, there.inode, there.kind)
