"""Whether a part of the kernel is there without being loaded for the asking."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host

_PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin"


@contextmanager
def if_used(host: Host, modules: Sequence[str], programs: Sequence[str]) -> Iterator[None]:
    """Turn a lack of rights into AbsentError where the host does not use what they would be needed for.

    It is used where one of the modules was loaded. Where these are part of the kernel, only one of the programs that
    use it could tell, known by what its name leads to: iptables is mostly nft's today.
    """
    try:
        yield
    except PermissionError as error:
        if not _loaded(host).isdisjoint(modules):
            raise
        if not _is_part_of_the_kernel(host, modules):
            raise AbsentError(f"no module such as {modules[0]} is loaded") from error
        if not any(map(_is_there, programs)):
            raise AbsentError(f"nothing tells that it is used, such as {programs[0].rpartition(' ')[2]}") from error
        raise


def _is_part_of_the_kernel(host: Host, modules: Sequence[str]) -> bool:
    """Say whether one of them is built in, as all is in a kernel without modules."""
    return not (host.proc / "modules").exists() or not _built_in(os.uname().release).isdisjoint(modules)


def _is_there(program: str) -> bool:
    """Say whether there is a program; "iptables -> xtables-multi" asks where its name leads to, too."""
    name, _, target = program.partition(" -> ")
    found = shutil.which(name, path=_PROGRAMS)
    return found is not None and Path(found).resolve().name == (target or name)


def require(host: Host, module: str) -> None:
    """Raise AbsentError unless the module is loaded or built in: some netlink requests load what they ask for."""
    if module not in _loaded(host) and not _is_part_of_the_kernel(host, [module]):
        raise AbsentError(f"the kernel module {module} is not loaded")


def _loaded(host: Host) -> set[str]:
    try:
        text = _proc.read_file(host.proc / "modules")
    except AbsentError:
        return set()
    return {line.partition(" ")[0] for line in text.splitlines()}


@cache
def _built_in(release: str) -> frozenset[str]:
    """Return the modules that are part of the kernel: "kernel/net/core/devlink.ko" and so on, a path a line."""
    try:
        text = Path("/lib/modules", release, "modules.builtin").read_text()
    except OSError:
        return frozenset()
    return frozenset(Path(line).stem.replace("-", "_") for line in text.splitlines())
