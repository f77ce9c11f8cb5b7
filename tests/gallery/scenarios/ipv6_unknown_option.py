"""IPv6 packets with a destination option that nobody knows, and that asks to be dropped where it is not known."""

import struct

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20
DESTINATION_OPTIONS = 60
UNKNOWN = 0x5E  # an experiment (RFC 4727); its upper two bits say: drop, and tell nobody


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    options = struct.pack("!BBBB4x", packets.UDP, 0, UNKNOWN, 4)
    packet = packets.ipv6(SENDER6, HOST6, DESTINATION_OPTIONS, options + packets.udp(SENDER6, HOST6, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 option unknown", provoke, reasons=("UNHANDLED_PROTO",),
    locations=("ip6_tlvopt_unknown", "ip6_parse_tlv", "ipv6_destopt_rcv"),
    counters=(Moved("snmp6", "Ip6InHdrErrors"),),
    beside=("ip6_rcv_core",),
    named=("UNHANDLED_PROTO in ip6_tlvopt_unknown",),
)
