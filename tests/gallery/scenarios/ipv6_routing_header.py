"""IPv6 packets with a routing header of type 0, which is never followed (RFC 5095)."""

import socket
import struct

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20
ROUTING = 43


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    via = struct.pack("!BBBB4x", packets.UDP, 2, 0, 1) + socket.inet_pton(socket.AF_INET6, HOST6)
    packet = packets.ipv6(SENDER6, HOST6, ROUTING, via + packets.udp(SENDER6, HOST6, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 routing header", provoke, reasons=("IP_INHDR",), reasonless=("*",),
    locations=("ipv6_rthdr_rcv",),
    counters=(Moved("snmp6", "Ip6InHdrErrors"),),
    beside=("ip6_rcv_core",),
    named=("IP_INHDR in ipv6_rthdr_rcv",),
)
