"""What holds the program in the kernel: descriptors of its own making, or those that a run before us has left."""

import ctypes
import logging
import os
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

from dropwatchd.kernel.btf import Btf, kernel_btf
from dropwatchd.kernel.libbpf import OpenOptions, libbpf
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.bpf.room import Room

log = logging.getLogger(__name__)
MAPS = ("drops", "places", "reasons", "totals", "stacks", "samples", ".bss")
HELPERS = ("name_address", "name_namespace", "release_keys")
_KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")
LINK, QUEUE_LINK = "link", "queue_link"
NAMES = (*MAPS, *HELPERS, "drop", LINK)
_UNTOLD = "what queueing disciplines say of their drops cannot be read (%s)"
OPTIONAL = (QUEUE_LINK,)     # where queueing disciplines say why they drop
_ARGUMENTS = 3               # of the tracepoint since 5.17: packet, location, reason
_ARGUMENTS_WITH_SOCKET = 4   # since 6.11: and the socket that was to receive it
_COUNTING = ("on_drop", "on_drop_with_socket")  # which of them, the socket's argument decides
_OF_A_QUEUE, _QUEUE_ARGUMENTS = "on_queue_drop", 5  # since 7.1: queue, its transmit queue, device, packet, reason


def identity(room: Room) -> str:
    """Return what two programs have in common that count the same in the same layout: the object, and its room."""
    return blake2b(_image() + repr(room).encode(), digest_size=8).hexdigest()


class Loaded:
    """The program, loaded now. `fds` has a descriptor for each of NAMES, the links' once it is attached."""

    def __init__(self, room: Room) -> None:
        """Raise OSError, or UnavailableError, where this kernel or this user cannot."""
        self._lib = libbpf()
        self._links: dict[str, Any] = {}
        self.fds: dict[str, int] = {}
        with kernel_btf() as btf:
            counting, queues_tell = programs(btf)
        try:
            self._load(room, counting, queues_tell=queues_tell)
        except OSError as error:
            if not queues_tell:
                raise
            log.warning(_UNTOLD, error)
            self._load(room, counting, queues_tell=False)

    def _load(self, room: Room, counting: str, *, queues_tell: bool) -> None:
        image = _image()
        self._object = self._lib.check("bpf_object__open_mem", image, len(image), _types())
        self._attached = {LINK: self._program(counting)}
        if queues_tell:
            self._attached[QUEUE_LINK] = self._program(_OF_A_QUEUE)
        try:
            for name in (*_COUNTING, _OF_A_QUEUE):
                wanted = self._program(name) in self._attached.values()
                self._lib.check("bpf_program__set_autoload", self._program(name), wanted)
            self._lib.check("bpf_map__set_max_entries", self._map("drops"), room.keys)
            self._lib.check("bpf_map__set_max_entries", self._map("places"), room.places)
            self._lib.check("bpf_object__load", self._object)
        except BaseException:
            self.close()
            raise
        self.fds = {name: self._lib.bpf_map__fd(self._map(name)) for name in MAPS}
        self.fds |= {name: self._lib.bpf_program__fd(self._program(name)) for name in HELPERS}
        self.fds["drop"] = self._lib.bpf_program__fd(self._attached[LINK])

    def attach(self) -> None:
        self._attach(LINK)
        if QUEUE_LINK in self._attached:
            try:
                self._attach(QUEUE_LINK)
            except OSError as error:  # then their drops have the reason that they share
                log.warning(_UNTOLD, error)

    def _attach(self, name: str) -> None:
        self._links[name] = self._lib.check("bpf_program__attach", self._attached[name])
        self.fds[name] = self._lib.bpf_link__fd(self._links[name])

    def detach(self) -> None:
        while self._links:
            self._lib.bpf_link__destroy(self._links.popitem()[1])

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
        for name in (LINK, QUEUE_LINK):
            if name in self.fds:
                os.close(self.fds.pop(name))

    def close(self) -> None:
        while self.fds:
            os.close(self.fds.popitem()[1])


def _types() -> Any:
    """Have the program fitted to the kernel's own types alone.

    What they lack libbpf looks for in those of all modules, and for that takes CAP_SYS_ADMIN: 1.1 gives up without
    (load_module_btfs() in libbpf.c).
    """
    if not _KERNEL_TYPES.exists():
        return None  # libbpf knows other places
    return ctypes.byref(OpenOptions(sz=ctypes.sizeof(OpenOptions), btf_custom_path=bytes(_KERNEL_TYPES)))


def _image() -> bytes:
    return files(__package__).joinpath("drops.bpf.o").read_bytes()


def programs(btf: Btf) -> tuple[str, bool]:
    """Return the program that counts on a kernel, and whether its queueing disciplines say why they drop."""
    found = btf.tracepoint_arguments("kfree_skb")
    if found < _ARGUMENTS:
        raise UnavailableError("this kernel gives no drop reason at the kfree_skb tracepoint (it is older than 5.17)",
                               "use --source net_dm, or a newer kernel")
    queues_tell = btf.tracepoint_arguments("qdisc_drop") == _QUEUE_ARGUMENTS
    return _COUNTING[found >= _ARGUMENTS_WITH_SOCKET], queues_tell
