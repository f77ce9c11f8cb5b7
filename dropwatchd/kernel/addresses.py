"""When the addresses of a namespace were made: of a namespace itself the kernel tells no age."""

import struct

from dropwatchd.kernel.netlink import ROUTE, Netlink, attributes

_RTM_GETADDR = 22
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, ifindex (include/uapi/linux/if_addr.h)
_IFA_CACHEINFO = 6
_CACHEINFO = struct.Struct("=IIII")   # preferred, valid, made, changed; the latter in hundredths of a second
_HUNDREDTHS = 100
BEHIND_S = 0.5  # by so much the kernel's jiffies may be behind CLOCK_MONOTONIC: they begin a moment after it


def oldest_address() -> float | None:
    """Return the time.monotonic() at which the oldest address of the calling thread's namespace was made, if any.

    It is told up to BEHIND_S too early.
    """
    with Netlink(ROUTE, least=_IFADDRMSG.size) as netlink:
        messages = netlink.dump(_RTM_GETADDR, _IFADDRMSG.pack(0, 0, 0, 0, 0))
    stamps = [value for _kind, payload in messages for kind, value in attributes(payload, _IFADDRMSG.size)
              if kind == _IFA_CACHEINFO and len(value) >= _CACHEINFO.size]
    return min((_CACHEINFO.unpack_from(stamp)[2] / _HUNDREDTHS for stamp in stamps), default=None)
