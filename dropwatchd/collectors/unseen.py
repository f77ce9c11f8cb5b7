"""What this host has in which packets are lost unseen: levels, one for each thing, with what and whose it is."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from dropwatchd.collectors import AbsentError, Collect, _features, _proc, capture, ethernet, ethtool, qstats, xdp
from dropwatchd.collectors._owners import Owners
from dropwatchd.kernel.captures import Captures
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link, driver
from dropwatchd.model import CounterKey, Reading

NAME = "unseen"
# Drivers of what a hypervisor or a cloud shows a guest; any other device of a guest is one that was handed through.
_VIRTUAL = {"virtio_net", "vmxnet3", "hv_netvsc", "vif", "ena", "gve", "mana", "iavf", "ixgbevf", "igbvf"}
_PAST_THE_KERNEL = ("vfio-pci", "uio_pci_generic", "igb_uio")
_NETWORK = "0x02"  # the base class of PCI devices that are network controllers
_OFFLOAD = "hw-tc-offload"
_owners: defaultdict[int, Owners] = defaultdict(Owners)
_told: defaultdict[int, set[CounterKey]] = defaultdict(set)  # by namespace: what was there in its last round


def collect(host: Host) -> Iterable[Reading]:
    """Look in the calling thread's network namespace: 1 or more for what is there, once 0 for what has gone."""
    found = {reading.key: reading for reading in [*_captures(host), *_af_xdp(host), *_devices(host), *hardware(host)]}
    gone, _told[host.netns] = _told[host.netns] - found.keys(), set(found)
    return [*found.values(), *(Reading(key, 0, bits=0) for key in sorted(gone, key=str))]


def _reading(name: str, netns: int | None, labels: dict[str, str], value: int = 1) -> Reading:
    return Reading(CounterKey(NAME, name, netns, labels=tuple(sorted(labels.items()))), value, bits=0)


def _captures(host: Host) -> Iterator[Reading]:
    """Yield captures whose losses nobody here can read, and rings of which what their owner reads is missed."""
    try:
        listed = list(capture.parse(_proc.read(host, "packet")))
    except AbsentError:  # no packet sockets in this kernel
        return
    looked = capture.opened()
    captures = capture.of(host.netns, looked.opened()) if listed and isinstance(looked, Captures) else []
    seen = {one.inode for one in captures}
    blind = [inode for inode in listed if inode not in seen]
    owners = _owners[host.netns].of(host.proc, set(blind))
    for inode in blind:
        yield _reading("capture", host.netns, {"inode": str(inode), **dict(owners[inode])})
    if isinstance(looked, Captures) and not looked.is_complete:
        for one in captures:
            if one.has_ring:
                yield _reading("capture_statistics", host.netns,
                               {"inode": str(one.inode), "process": one.process, "pid": str(one.pid)})


def _af_xdp(host: Host) -> Iterator[Reading]:
    try:
        sockets = xdp.count(_proc.read(host, "protocols"))
        if sockets:
            list(xdp.collect(host))
    except LookupError:
        yield _reading("af_xdp", host.netns, {}, sockets)
    except AbsentError:
        return


def _devices(host: Host) -> Iterator[Reading]:
    """Yield what hardware of this namespace does not tell."""
    links = {ifindex: link for ifindex, link in host.links.items() if not link.is_made}
    drivers = {ifindex: driver(link.name) or "" for ifindex, link in links.items()}
    offloading = _features.having(_OFFLOAD, links)
    silent = _without_counters(host, links)
    for ifindex, link in links.items():
        where = CounterKey(NAME, "", host.netns, ifindex, link.name, (("driver", drivers[ifindex]),))
        below = drivers[ifindex] in _VIRTUAL or _is_guest(host.proc)
        for name, there in (("offload", ifindex in offloading), ("driver", ifindex in silent), ("host_below", below)):
            if there:
                yield Reading(where._replace(name=name), 1, bits=0)


def _without_counters(host: Host, links: dict[int, Link]) -> set[int]:
    """Return the devices whose drivers count nothing but what every device counts (link)."""
    left = set(links) - ethtool.having(links)
    for standard in (qstats, ethernet):
        if left:
            left -= {reading.key.ifindex for reading in _of(standard.collect, host) if reading.key.ifindex}
    return left


def _of(collect: Collect, host: Host) -> Iterable[Reading]:
    try:
        return list(collect(host))
    except AbsentError:
        return []


@cache
def _is_guest(proc: Path) -> bool:
    """Say whether the processor tells of a hypervisor; that does not change while this runs."""
    with suppress(OSError), (proc / "cpuinfo").open() as file:
        return any(line.startswith("flags") and " hypervisor" in line for line in file)
    return False


def hardware(host: Host) -> Iterator[Reading]:
    """Yield devices of the whole host that programs drive past the kernel, and RDMA devices without counters."""
    for name in _PAST_THE_KERNEL:
        for device in sorted((host.sys / "bus/pci/drivers" / name).glob("*:*")):
            if (device / "class").read_text().startswith(_NETWORK):
                yield _reading("past_the_kernel", None, {"device": device.name, "driver": name})
    for port in sorted((host.sys / "class/infiniband").glob("*/ports/*")):
        if not any((port / "hw_counters").glob("*")):
            yield _reading("rdma", None, {"device": port.parent.parent.name, "port": port.name})
