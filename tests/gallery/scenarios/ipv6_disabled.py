"""IPv6 packets on an interface where IPv6 is switched off."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv6(SENDER6, HOST6, packets.UDP, packets.udp(SENDER6, HOST6, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 disabled", provoke, reasons=("IPV6DISABLED",),
    locations=("ip6_rcv_core",),
    counters=(Moved("snmp6", "Ip6InDiscards"),),
)
