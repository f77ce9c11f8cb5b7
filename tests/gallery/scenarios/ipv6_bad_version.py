"""Frames that say IPv6, with packets that do not."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    packet = bytearray(packets.ipv6(SENDER6, HOST6, packets.UDP, packets.udp(SENDER6, HOST6, 9)))
    packet[0] = 5 << 4
    stage.send_ipv6(bytes(packet), COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 bad version", provoke, reasons=("UNHANDLED_PROTO",),
    locations=("ip6_rcv_core",),
    counters=(Moved("snmp6", "Ip6InHdrErrors"),),
    named=("UNHANDLED_PROTO in ip6_rcv_core",),
)
