"""Whether a part of the kernel is there without being loaded for the asking."""

import os
from functools import cache
from pathlib import Path

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host


def require(host: Host, module: str) -> None:
    """Raise AbsentError unless the module is loaded or built in: some netlink requests load what they ask for."""
    try:
        loaded = _proc.read_file(host.proc / "modules")
    except AbsentError:  # a kernel without modules has everything built in
        return
    names = {line.partition(" ")[0] for line in loaded.splitlines()}
    if module not in names and module not in _built_in(os.uname().release):
        raise AbsentError(f"the kernel module {module} is not loaded")


@cache
def _built_in(release: str) -> frozenset[str]:
    """Return the modules that are part of the kernel: "kernel/net/core/devlink.ko" and so on, a path a line."""
    try:
        text = Path("/lib/modules", release, "modules.builtin").read_text()
    except OSError:
        return frozenset()
    return frozenset(Path(line).stem.replace("-", "_") for line in text.splitlines())
