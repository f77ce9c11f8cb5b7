"""The control groups of sockets: the kernel tells these of any socket, while processes tell their files to few."""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP

from dropwatchd.kernel.netlink import SOCK_DIAG, Netlink, attributes

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = struct.Struct("=BBxxI48x")  # struct inet_diag_req_v2: family, protocol, states, id
_MESSAGE = struct.Struct("=68xI")  # struct inet_diag_msg: inode
_INET_DIAG_CGROUP_ID = 21  # 5.9+, of cgroup v2
_LISTEN, _ANY = 1 << 10, 0xFFFFFFFF
_ASKED = ((IPPROTO_UDP, _ANY), (IPPROTO_TCP, _LISTEN))
_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


def paths(inodes: set[int]) -> dict[int, str]:
    """Return socket inode -> path of its group, such as "/system.slice/named.service", for UDP and TCP listeners."""
    groups = {inode: group for inode, group in _groups() if inode in inodes}
    known = dict(named(set(groups.values())))
    return {inode: known[group] for inode, group in groups.items() if group in known}


def _groups() -> Iterator[tuple[int, int]]:
    """Yield (inode, group) of the sockets in the calling thread's network namespace."""
    for protocol, states in _ASKED:
        for family in (AF_INET, AF_INET6):
            with Netlink(SOCK_DIAG) as netlink, suppress(FileNotFoundError):  # a kernel without this part of sock_diag
                for _type, payload in netlink.dump(_SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, protocol, states)):
                    for kind, value in attributes(payload, _MESSAGE.size):
                        if kind == _INET_DIAG_CGROUP_ID:
                            yield _MESSAGE.unpack_from(payload)[0], struct.unpack("=Q", value)[0]


def named(wanted: set[int]) -> Iterator[tuple[int, str]]:
    """Yield (group, path): a group's number is the inode of its folder (Documentation/admin-guide/cgroup-v2.rst)."""
    mounts = [mount for mount in _MOUNTS if (mount / "cgroup.procs").exists()]
    for mount in mounts if wanted else ():
        for folder, _folders, _files in os.walk(mount):
            with suppress(FileNotFoundError):
                number = Path(folder).stat().st_ino
                if number in wanted:
                    yield number, "/" + str(Path(folder).relative_to(mount)).removeprefix(".")
