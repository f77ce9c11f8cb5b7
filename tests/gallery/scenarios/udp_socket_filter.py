"""A socket filter that lets no datagram through to its UDP socket."""

import ctypes
import socket
import struct

from tests.gallery.hosts import udp_socket
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
_SO_ATTACH_FILTER = 26
_RETURN_NOTHING = struct.pack("=HBBI", 0x06, 0, 0, 0)


def provoke(stage: Stage) -> int:
    with udp_socket(stage.host) as reader:
        program = ctypes.create_string_buffer(_RETURN_NOTHING, 8)
        reader.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(program)))
        with stage.send_all(COUNT):
            stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "UDP socket filter", provoke, reasons=("SOCKET_FILTER",),
    locations=("udp_queue_rcv_one_skb",),
    counters=(Moved("snmp", "UdpInErrors"),),
)
