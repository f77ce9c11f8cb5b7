"""IPv6 packets to be forwarded to where no route leads."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import SENDER6, Stage

COUNT = 20
NOWHERE = "2001:db8:ffff::9"


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    stage.host.sysctl("ipv6/conf/all/forwarding", 1)
    packet = packets.ipv6(SENDER6, NOWHERE, packets.UDP, packets.udp(SENDER6, NOWHERE, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 no route in forwarding", provoke, reasons=("IP_INNOROUTES",), reasonless=("6.1", "6.12"),
    locations=("ip6_pkt_discard", "ip6_pkt_drop"),
    counters=(Moved("snmp6", "Ip6InNoRoutes"),),
    beside=("ip6_rcv_core",),
)
