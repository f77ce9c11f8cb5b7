"""What drivers count as dropped, missed or in error (`ethtool -S`), of every device that has such statistics."""

import array
import fcntl
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import link_names
from dropwatchd.kernel.netlink import text
from dropwatchd.model import CounterKey, Reading

# Names are the driver's own and a device may have thousands: only what tells of a loss is kept. "over" is for
# overruns and overflows, "no_" for resources that were lacking (no_buffer, no_dma_resources), "full" for rings.
_LOSS = re.compile(r"drop|discard|err|fail|miss|fifo|over|full|no_|nobuf|out_of|lost|lack|bad|crc|abort|timeout|stopped")
_SIOCETHTOOL = 0x8946
_GDRVINFO, _GSTRINGS, _GSTATS = 0x3, 0x1B, 0x1D  # ETHTOOL_* of include/uapi/linux/ethtool.h
_DRVINFO = struct.Struct("=4x32s144xI12x")  # struct ethtool_drvinfo: driver, n_stats
_SS_STATS, _STRING_BYTES = 1, 32


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        found = [
            reading for ifindex, name in link_names().items()
            for reading in _device(control.fileno(), ifindex, name, host.netns)
        ]
    if not found:
        raise AbsentError("no driver counts losses of its own")
    return found
