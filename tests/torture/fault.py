"""A disk that fails and a clock that is set when they are told to: a library for LD_PRELOAD, and what it is told."""

import mmap
import os
import struct
import subprocess
from enum import IntFlag
from pathlib import Path

_SOURCE = Path(__file__).with_name("fault.c")
_CONTROL = struct.Struct("=8i")
_COUNTED, _FAILED, _AHEAD = 5, 6, 7


class Call(IntFlag):
    """What may fail; the numbers are those of fault.c."""

    WRITE = 1
    SYNC = 2
    TRUNCATE = 4
    ANY = 7


def compile_library(folder: Path) -> Path:
    """Compile the library, and return where it is."""
    library = folder / "fault.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library,
                    _SOURCE, "-ldl"], check=True, capture_output=True, text=True)
    return library


class Disk:
    """The files of one folder, as processes see them that run with `environment`."""

    def __init__(self, library: Path, folder: Path, control: Path) -> None:
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _CONTROL.size)
        self.environment = {"LD_PRELOAD": str(library), "FAULT_FOLDER": str(folder), "FAULT_CONTROL": str(control)}

    def fail(self, calls: Call, first: int, *, error: int = 0, stall_ms: int = 0, times: int = 1) -> None:
        """From now on count these calls, and have the `first`-th of them and so many after it fail or stall."""
        self._shared[:] = _CONTROL.pack(calls, first, times, error, stall_ms, 0, 0, self._read(_AHEAD))

    def count(self, calls: Call) -> None:
        """From now on count these calls, and let all of them pass."""
        self.fail(calls, 0)

    def set_clock(self, seconds: int) -> None:
        """Have the wall clock be ahead by so much, or behind."""
        self._shared[4 * _AHEAD:] = struct.pack("=i", seconds)

    @property
    def counted(self) -> int:
        return self._read(_COUNTED)

    @property
    def failed(self) -> int:
        return self._read(_FAILED)

    def _read(self, place: int) -> int:
        return int(_CONTROL.unpack(self._shared[:])[place])
