"""Network devices of one namespace, and what happens to them: added, removed, renamed, up and down, another MTU."""

import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from errno import ENOBUFS
from pathlib import Path
from typing import NamedTuple

from dropwatchd.kernel import tunnels
from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, attributes, text
from dropwatchd.model import Device, Event

_RTM_NEWLINK, _RTM_DELLINK, RTM_GETLINK = 16, 17, 18
IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, device type, ifindex, flags, changed flags
_IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_EXT_MASK = 3, 4, 5, 18, 29
_IFLA_LINK_NETNSID, _IFLA_NEW_NETNSID = 37, 45
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_RTMGRP_LINK = 1
_IFF_UP, _IFF_RUNNING = 0x1, 0x40  # the second is the operational state: carrier, and no dormant protocol
_ARPHRD_LOOPBACK = 772
_BUFFER_BYTES = 1 << 20  # some hundred notifications
_BATCH, _QUEUE = 64, 4096  # datagrams of one read(), and more than the queue holds
# Names, kinds and flags alone: IFLA_EXT_MASK = RTEXT_FILTER_SKIP_STATS
_LIST = IFINFO.pack(0, 0, 0, 0, 0) + struct.pack("=HHI", 8, _IFLA_EXT_MASK, 1 << 3)


class Link(NamedTuple):
    """A device: `kind` is its driver's rtnetlink kind ("veth", "bridge"), "loopback", or "" for hardware.

    `below` is the ifindex of the other end of a pair, or of the device below; `elsewhere`, whether that is in another
    namespace. `remote` is the address of a tunnel's other end, where it has one.
    """

    name: str
    kind: str
    enabled: bool
    running: bool
    mtu: int = 0
    below: int = 0
    elsewhere: bool = False
    remote: str | None = None

    @property
    def is_made(self) -> bool:
        """Say whether the kernel made it, so that its counters began at zero; hardware comes from elsewhere."""
        return self.kind != ""


class LinkWatch:
    """The links of the calling thread's network namespace, kept current by the kernel's notifications.

    Its sockets keep the namespace alive: close it when the namespace's name goes.
    """

    def __init__(self, netns: int) -> None:
        self.netns = netns
        self._socket = Netlink(ROUTE, _RTMGRP_LINK, IFINFO.size)
        self._socket.set_buffer(_BUFFER_BYTES)
        self._request = Netlink(ROUTE)
        self.links = self._list()  # after the subscription: what changes in between is told
        self.stale = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()
        self._request.close()

    def devices(self) -> Iterator[Device]:
        """Yield what each device is."""
        for ifindex in self.links:
            yield self._device(ifindex)

    def read(self) -> Iterator[Event | Device]:
        """Yield what happened since the last call, a bounded batch, and what new devices are. Never blocks.

        After an overrun the queue is emptied and the links are listed again: what came of the lost changes is told.
        What was undone in between is not, hence the event "link events lost".
        """
        lost, left, self.stale = self.stale, _BATCH, False
        while left:
            left -= 1
            try:
                messages = self._socket.notifications()
            except OSError as error:
                if error.errno != ENOBUFS:
                    raise
                lost, left = True, _QUEUE
                continue
            if messages is None:
                break
            yield from self._apply(messages)
        if lost:
            yield from self._relist()

    def _list(self) -> dict[int, Link]:
        return dict(parse_link(payload) for _kind, payload in self._request.dump(RTM_GETLINK, _LIST))

    def _relist(self) -> Iterator[Event | Device]:
        try:
            current = self._list()
        except OSError as error:  # the list never held still, or memory lacked: the next read tries again
            self.stale = True
            yield self._event("link events lost", 0, "", f"the links cannot be listed ({error.strerror})")
            return
        yield self._event("link events lost", 0, "", "the socket's queue was full")
        for ifindex in self.links.keys() - current.keys():
            yield from self._removed(ifindex, "")
        for ifindex, link in current.items():
            yield from self._seen(ifindex, link)

    def _apply(self, messages: list[Message]) -> Iterator[Event | Device]:
        for kind, payload in messages:
            if len(payload) < IFINFO.size or payload[0]:  # AF_BRIDGE: the port of a bridge, not the device
                continue
            ifindex, link = parse_link(payload)
            if kind == _RTM_NEWLINK:
                yield from self._seen(ifindex, link)
            elif kind == _RTM_DELLINK:
                yield from self._removed(ifindex, "moved to another namespace" if moved(payload) else "")

    def _seen(self, ifindex: int, link: Link) -> Iterator[Event | Device]:
        before = self.links.get(ifindex)
        self.links[ifindex] = link
        if before is None or _described(before) != _described(link):
            yield self._device(ifindex)
        if before is None:
            yield self._event("link added", ifindex, link.name, link.kind)
            before = link._replace(enabled=False, running=False)
        if before.name != link.name:
            yield self._event("link renamed", ifindex, link.name, f"was {before.name}")
        if before.mtu != link.mtu:
            yield self._event("link MTU", ifindex, link.name, f"{link.mtu} bytes, was {before.mtu}")
        if before.running != link.running:
            cause = "administrative" if before.enabled != link.enabled else "carrier"
            yield self._event("link up" if link.running else "link down", ifindex, link.name, cause)

    def _removed(self, ifindex: int, detail: str) -> Iterator[Event]:
        link = self.links.pop(ifindex, None)
        if link:
            yield self._event("link removed", ifindex, link.name, detail)

    def _event(self, kind: str, ifindex: int, name: str, detail: str) -> Event:
        return Event(time.time_ns(), kind, name, detail, netns=self.netns, ifindex=ifindex or None)

    def _device(self, ifindex: int) -> Device:
        link = self.links[ifindex]
        return Device(time.time_ns(), self.netns, ifindex, link.name, link.kind or "physical",
                      None if link.kind else driver(link.name), peer(link, self.links))


def _described(link: Link) -> tuple[str, int, bool]:
    """Return what of a link its description depends on; its other end may go to another namespace."""
    return link.name, link.below, link.elsewhere


def present_links() -> dict[int, Link]:
    """Return ifindex -> link of the calling thread's network namespace."""
    with Netlink(ROUTE) as netlink:
        return dict(parse_link(payload) for _kind, payload in netlink.dump(RTM_GETLINK, _LIST))


def link_names() -> dict[int, str]:
    """Return ifindex -> name of the calling thread's network namespace."""
    with Netlink(ROUTE) as netlink:
        return dict(parse_name(payload) for _kind, payload in netlink.dump(RTM_GETLINK, _LIST))


def parse_name(payload: bytes) -> tuple[int, str]:
    """Return (ifindex, name) of an RTM_NEWLINK message: the name comes first, so this is cheap."""
    names = (value for kind, value in attributes(payload, IFINFO.size) if kind == _IFLA_IFNAME)
    return IFINFO.unpack_from(payload)[2], text(next(names, b""))


def parse_link(payload: bytes) -> tuple[int, Link]:
    """Return (ifindex, link) of an RTM_NEWLINK or RTM_DELLINK message (include/uapi/linux/if_link.h)."""
    _family, device_type, ifindex, flags, _changed = IFINFO.unpack_from(payload)
    found = dict(attributes(payload, IFINFO.size))
    information = dict(attributes(found.get(_IFLA_LINKINFO, b"")))
    kind = text(information.get(_IFLA_INFO_KIND, b"loopback" if device_type == _ARPHRD_LOOPBACK else b""))
    enabled = bool(flags & _IFF_UP)
    running = enabled and bool(flags & _IFF_RUNNING)
    mtu, below = (int.from_bytes(found.get(attribute, b""), sys.byteorder) for attribute in (_IFLA_MTU, _IFLA_LINK))
    return ifindex, Link(text(found.get(_IFLA_IFNAME, b"")), kind, enabled, running, mtu, below,
                         _IFLA_LINK_NETNSID in found,
                         tunnels.remote(kind, dict(attributes(information.get(_IFLA_INFO_DATA, b"")))))


def peer(link: Link, links: Mapping[int, Link]) -> str | None:
    """Return the name of the other end or of the device below, its number where it is in another namespace."""
    if not link.below:
        return None
    if link.elsewhere:
        return f"#{link.below} in another namespace"
    there = links.get(link.below)
    return there.name if there and there is not link else None


def driver(name: str) -> str | None:
    """Return the driver of hardware; sysfs shows the devices of the namespace that it was mounted in."""
    with suppress(OSError):
        return (Path("/sys/class/net") / name / "device/driver").readlink().name
    return None


def moved(payload: bytes) -> bool:
    """Say whether an RTM_DELLINK message tells of a device that went to another namespace."""
    return any(kind == _IFLA_NEW_NETNSID for kind, _value in attributes(payload, IFINFO.size))
