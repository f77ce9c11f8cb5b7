"""UDP datagrams over IPv6 to a port that nobody listens on."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    packet = packets.ipv6(SENDER6, HOST6, packets.UDP, packets.udp(SENDER6, HOST6, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "UDP over IPv6, closed port", provoke, reasons=("NO_SOCKET",),
    locations=("__udp6_lib_rcv", "udpv6_rcv"),
    counters=(Moved("snmp6", "Udp6NoPorts"),),
    beside=("ip6_rcv_core", "icmpv6_rcv"),
)
