"""Which devices have a feature of ethtool's switched on, such as flows that the hardware handles by itself."""

import os
import socket
import struct
from collections.abc import Iterable
from contextlib import closing, suppress

from dropwatchd.collectors.ethtool import Control
from dropwatchd.kernel.netlink import text

_GSTRINGS, _GFEATURES = 0x1B, 0x3A  # ETHTOOL_* of include/uapi/linux/ethtool.h
_SS_FEATURES = 4
_STRINGS = struct.Struct("=III")  # struct ethtool_gstrings: command, set, length; then names of 32 bytes
_HEADER = struct.Struct("=II")  # struct ethtool_gfeatures: command, blocks; then a block for 32 features each
_BLOCK = struct.Struct("=8xI4x")  # struct ethtool_get_features_block: active is the third of four
_NAME_BYTES, _MOST = 32, 128


def having(feature: str, ifindexes: Iterable[int]) -> set[int]:
    """Return which of these devices of the calling thread's namespace have the feature switched on."""
    found = set()
    with closing(Control()) as control:
        for ifindex in ifindexes:
            with suppress(OSError):  # it has gone
                name = os.fsencode(socket.if_indextoname(ifindex))
                names = control.ask(name, _STRINGS.pack(_GSTRINGS, _SS_FEATURES, 0), _NAME_BYTES * _MOST)
                blocks = control.ask(name, _HEADER.pack(_GFEATURES, _MOST // 32), _BLOCK.size * (_MOST // 32))
                if feature in parse(names, blocks):
                    found.add(ifindex)
    return found


def parse(names: bytes, blocks: bytes) -> set[str]:
    """Return the names of struct ethtool_gstrings whose bits are set in struct ethtool_gfeatures."""
    active = [number for (number,) in _BLOCK.iter_unpack(blocks[_HEADER.size:])]
    known = min(_STRINGS.unpack_from(names)[2], _MOST)
    told = (names[_STRINGS.size + _NAME_BYTES * bit:][:_NAME_BYTES] for bit in range(known))
    return {text(name) for bit, name in enumerate(told) if active[bit // 32] >> bit % 32 & 1}
