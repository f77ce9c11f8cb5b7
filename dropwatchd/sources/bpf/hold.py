"""What holds the program in the kernel: descriptors of its own making, or those that a run before us has left."""

import os
from hashlib import blake2b
from importlib.resources import files
from typing import Any

from dropwatchd.kernel.btf import kernel_btf
from dropwatchd.kernel.libbpf import libbpf
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.bpf.room import Room

MAPS = ("drops", "places", "reasons", "totals", "stacks", "samples", ".bss")
HELPERS = ("name_address", "name_namespace", "release_keys")
LINK = "link"
NAMES = (*MAPS, *HELPERS, "drop", LINK)
_ARGUMENTS = 3               # of the tracepoint since 5.17: packet, location, reason
_ARGUMENTS_WITH_SOCKET = 4   # since 6.11: and the socket that was to receive it


def identity(room: Room) -> str:
    """Return what two programs have in common that count the same in the same layout: the object, and its room."""
    return blake2b(_image() + repr(room).encode(), digest_size=8).hexdigest()


class Loaded:
    """The program, loaded now. `fds` has a descriptor for each of NAMES, the link's once it is attached."""

    def __init__(self, room: Room) -> None:
        """Raise OSError, or UnavailableError, where this kernel or this user cannot."""
        self._lib = libbpf()
        self._link: Any = None
        self.fds: dict[str, int] = {}
        image = _image()
        self._object = self._lib.check("bpf_object__open_mem", image, len(image), None)
        try:
            self._load(room)
        except BaseException:
            self.close()
            raise

    def _load(self, room: Room) -> None:
        attached, unused = "on_drop", "on_drop_with_socket"
        if _tracepoint_arguments() >= _ARGUMENTS_WITH_SOCKET:
            attached, unused = unused, attached
        self._lib.check("bpf_program__set_autoload", self._program(unused), False)  # noqa: FBT003
        self._lib.check("bpf_map__set_max_entries", self._map("drops"), room.keys)
        self._lib.check("bpf_map__set_max_entries", self._map("places"), room.places)
        self._lib.check("bpf_object__load", self._object)
        self.fds = {name: self._lib.bpf_map__fd(self._map(name)) for name in MAPS}
        self.fds |= {name: self._lib.bpf_program__fd(self._program(name)) for name in HELPERS}
        self.fds["drop"] = self._lib.bpf_program__fd(self._program(attached))
        self._attached = self._program(attached)

    def attach(self) -> None:
        self._link = self._lib.check("bpf_program__attach", self._attached)
        self.fds[LINK] = self._lib.bpf_link__fd(self._link)

    def detach(self) -> None:
        if self._link:
            self._lib.bpf_link__destroy(self._link)
        self._link = None

    def close(self) -> None:
        """Close all descriptors: nothing stays in the kernel of which nobody else holds one."""
        self.detach()
        self._lib.bpf_object__close(self._object)
        self._object = None

    def _map(self, name: str) -> Any:
        return self._lib.check("bpf_object__find_map_by_name", self._object, name.encode())

    def _program(self, name: str) -> Any:
        return self._lib.check("bpf_object__find_program_by_name", self._object, name.encode())


class Adopted:
    """The program that a run before us has loaded and attached: it went on counting meanwhile."""

    def __init__(self, fds: dict[str, int]) -> None:
        self.fds = fds

    def attach(self) -> None:
        """It is attached."""

    def detach(self) -> None:
        link = self.fds.pop(LINK, None)
        if link is not None:
            os.close(link)

    def close(self) -> None:
        while self.fds:
            os.close(self.fds.popitem()[1])


def _image() -> bytes:
    return files(__package__).joinpath("drops.bpf.o").read_bytes()


def _tracepoint_arguments() -> int:
    with kernel_btf() as btf:
        found = btf.tracepoint_arguments("kfree_skb")
    if found < _ARGUMENTS:
        raise UnavailableError("this kernel gives no drop reason at the kfree_skb tracepoint (it is older than 5.17)",
                               "use --source net_dm, or a newer kernel")
    return found
