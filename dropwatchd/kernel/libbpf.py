"""The few functions of libbpf.so.1 that this project calls, through ctypes, with errors turned into OSError."""

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

SAMPLE_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 128 << 10  # of malloc.h; the limit that it begins with

_P, _I, _U, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_char_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "libbpf_num_possible_cpus": (_I, []),
    "libbpf_set_print": (_P, [_P]),
    "bpf_object__open_mem": (_P, [_P, ctypes.c_size_t, _P]),
    "bpf_object__load": (_I, [_P]),
    "bpf_object__close": (None, [_P]),
    "bpf_object__find_map_by_name": (_P, [_P, _S]),
    "bpf_object__find_program_by_name": (_P, [_P, _S]),
    "bpf_map__fd": (_I, [_P]),
    "bpf_map__set_max_entries": (_I, [_P, _U]),
    "bpf_map_lookup_elem": (_I, [_I, _P, _P]),
    "bpf_map_delete_elem": (_I, [_I, _P]),
    "bpf_map_update_elem": (_I, [_I, _P, _P, ctypes.c_uint64]),
    "bpf_iter_create": (_I, [_I]),
    "bpf_map_lookup_and_delete_elem": (_I, [_I, _P, _P]),
    "bpf_map_lookup_batch": (_I, [_I, _P, _P, _P, _P, _P, _P]),
    "bpf_program__fd": (_I, [_P]),
    "bpf_program__set_autoload": (_I, [_P, ctypes.c_bool]),
    "bpf_program__attach": (_P, [_P]),
    "bpf_link__fd": (_I, [_P]),
    "bpf_link__destroy": (_I, [_P]),
    "bpf_prog_test_run_opts": (_I, [_I, _P]),
    "bpf_obj_get_info_by_fd": (_I, [_I, _P, _P]),
    "ring_buffer__new": (_P, [_I, SAMPLE_CALLBACK, _P, _P]),
    "ring_buffer__epoll_fd": (_I, [_P]),
    "ring_buffer__consume": (_I, [_P]),
    "ring_buffer__free": (None, [_P]),
    "btf__load_vmlinux_btf": (_P, []),
    "btf__parse_split": (_P, [_S, _P]),
    "btf__free": (None, [_P]),
    "btf__find_by_name_kind": (ctypes.c_int32, [_P, _S, _U]),
    "btf__type_by_id": (_P, [_P, _U]),
    "btf__name_by_offset": (_S, [_P, _U]),
}


class OpenOptions(ctypes.Structure):
    """struct bpf_object_open_opts of libbpf.h, up to the path of the types that a program is fitted to."""

    _fields_ = (("sz", ctypes.c_size_t), ("object_name", _S), ("relaxed_maps", ctypes.c_bool), ("pin_root_path", _S),
                ("unused", _U), ("kconfig", _S), ("btf_custom_path", _S))


class Libbpf:
    """The loaded library: each name of `_SIGNATURES` is a method."""

    def __init__(self) -> None:
        """Raise OSError where libbpf.so.1 is not installed."""
        self._library = ctypes.CDLL("libbpf.so.1", use_errno=True)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.libbpf_set_print(None)  # what went wrong is said by errno, in our own words
        _give_back()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self._library, name)  # type: ignore[no-any-return]

    def check(self, name: str, *arguments: Any) -> Any:
        """Call `name`; a negative or NULL result raises OSError with the kernel's errno."""
        result = getattr(self._library, name)(*arguments)
        if result is None or result < 0:
            number = ctypes.get_errno() or (-result if result else 0)
            raise OSError(number, f"{name}: {os.strerror(number)}")
        return result


def _give_back() -> None:
    """Let what is large be given back to the kernel once it is freed, always (mallopt(3)).

    libbpf reads the kernel's types, 5 MiB and more, for each object that it loads. Once freed, pieces as large as that
    would be put on the heap, where they stay: 11 MiB were seen to.
    """
    with suppress(AttributeError):  # it is glibc's
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


@cache
def libbpf() -> Libbpf:
    """Return the library, loaded once. Raises OSError where it is not installed."""
    return Libbpf()
