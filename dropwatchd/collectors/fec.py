"""What forward error correction mended on the wire and what it could not, by device (ethtool --show-fec -I)."""

from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError, _ethtool_netlink
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message
from dropwatchd.model import Reading

# Of include/uapi/linux/ethtool_netlink.h, under the names that ethtool prints
_FEC_GET = 29
_STATISTICS = 5  # ETHTOOL_A_FEC_STATS
_NAMES = {2: "corrected_blocks", 3: "uncorrectable_blocks", 4: "corrected_bits"}
_NUMBER_BYTES = 8


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace whose drivers count."""
    messages = _ethtool_netlink.ask(_FEC_GET)
    found = list(parse(messages, host.links if messages else {}, host.netns))
    if not found:
        raise AbsentError("no driver here counts what forward error correction does")
    return found


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> Iterator[Reading]:
    """Parse ETHTOOL_MSG_FEC_GET_REPLY messages: an attribute is empty, or has the total, then a number of each lane."""
    for key, link, told in _ethtool_netlink.statistics(messages, links, "fec", netns, _STATISTICS):
        for kind, numbers in told:
            if kind in _NAMES and numbers:
                total = _ethtool_netlink.number(numbers[:_NUMBER_BYTES])
                yield Reading(key._replace(name=_NAMES[kind]), total, from_zero=link.is_made)
