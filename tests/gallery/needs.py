"""What tests with real drops need of the machine they run on."""

import ctypes
import os
from pathlib import Path

import pytest

from tests.gallery.namespace import command


def require_kernel() -> None:
    """Skip where real drops cannot be had; on a CI machine, where they must be, fail."""
    why = _missing()
    if why and os.environ.get("CI") == "true":
        pytest.fail(why)
    if why:
        pytest.skip(why)


def _missing() -> str:
    if os.geteuid():
        return "real drops take root: network namespaces and BPF"
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "this kernel has no BTF, so no drop events from BPF"
    try:
        ctypes.CDLL("libbpf.so.1")
        name = f"needs-{os.getpid()}"
        command(f"ip netns add {name}")
        command(f"ip netns delete {name}")
    except (OSError, RuntimeError) as error:
        return f"real drops cannot be provoked and seen here: {error}"
    return ""
