"""What RDMA devices lost, sent again or found wrong, by port, from /sys/class/infiniband."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

# Documentation/ABI/stable/sysfs-class-infiniband; "lifespan" is the age that values may have, in milliseconds.
_FOLDERS = ("counters", "hw_counters")
_ORDINARY = frozenset({
    "lifespan", "port_rcv_data", "port_rcv_packets", "port_xmit_data", "port_xmit_packets", "unicast_rcv_packets",
    "unicast_xmit_packets", "multicast_rcv_packets", "multicast_xmit_packets", "rx_read_requests", "rx_write_requests",
    "rx_atomic_requests", "rx_dct_connect",
})


def collect(host: Host) -> Iterable[Reading]:
    """Read all ports; devices are the whole host's. What moves with ordinary traffic is left out."""
    ports = sorted((host.sys / "class/infiniband").glob("*/ports/*"))
    if not ports:
        raise AbsentError("no RDMA device")
    return [reading for port in ports for folder in _FOLDERS for reading in _counters(port, folder)]


def _counters(port: Path, folder: str) -> Iterator[Reading]:
    labels = (("device", port.parent.parent.name), ("port", port.name))
    for path in sorted((port / folder).glob("*")):
        if path.name not in _ORDINARY:
            with suppress(OSError, ValueError):  # some devices refuse some counters, or say "N/A (no PMA)"
                yield Reading(CounterKey("rdma", path.name, labels=labels), int(path.read_text()), from_zero=False)
