"""A small BPF program of a collector's: loaded when it is first asked for, and let go when it is read no longer."""

from collections.abc import Callable
from errno import EPERM
from threading import Lock
from typing import Generic, Protocol, TypeVar

from dropwatchd.kernel.rights import Capability, missing


class Closable(Protocol):
    """Whatever holds a program in the kernel."""

    def close(self) -> None: ...


Program = TypeVar("Program", bound=Closable)


class Once(Generic[Program]):
    """Makes it once: a kernel that refuses it now will do so the next time, too."""

    def __init__(self, make: Callable[[], Program]) -> None:
        """`make` loads it, or raises OSError."""
        self._make = make
        self._made: Program | OSError | None = None
        self._lock = Lock()

    def __call__(self) -> Program | OSError:
        """Return it, or why it cannot be had."""
        with self._lock:
            if self._made is None:
                self._made = self._try()
            return self._made

    def _try(self) -> Program | OSError:
        if lacking := missing(Capability.CAP_BPF, Capability.CAP_PERFMON):
            return PermissionError(EPERM, f"{' and '.join(lacking)} missing")
        try:
            return self._make()
        except OSError as error:
            return error

    def close(self) -> None:
        """Hold nothing in the kernel any more; whoever asks again has it made anew."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None and not isinstance(made, OSError):
            made.close()
