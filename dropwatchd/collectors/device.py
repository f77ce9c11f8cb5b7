"""How each network device is set: its MTU, whether it is up, and a tunnel's other end, over rtnetlink."""

from collections.abc import Iterable, Mapping

from dropwatchd.collectors._present import Present
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.model import CounterKey, Reading

_REMOTES = Present()


def collect(host: Host) -> Iterable[Reading]:
    """Read how the devices of the calling thread's network namespace are set."""
    readings = parse(host.links, host.netns)
    return [*readings, *_REMOTES.gone(host.netns, (one for one in readings if one.key.name == "remote"))]


def parse(links: Mapping[int, Link], netns: int | None) -> list[Reading]:
    """Return gauges: `mtu` in bytes, `up` 0 or 1, and a `remote` of 1 whose label is the address; once 0 when gone."""
    return [Reading(CounterKey("device", name, netns, ifindex, link.name, labels), value, bits=0)
            for ifindex, link in links.items() for name, value, labels in _settings(link)]


def _settings(link: Link) -> list[tuple[str, int, tuple[tuple[str, str], ...]]]:
    remote = [("remote", 1, (("address", link.remote),))] if link.remote else []
    return [("mtu", link.mtu, ()), ("up", int(link.enabled), ()), *remote]
