"""IPv6 packets to be forwarded along a route of type prohibit."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import SENDER6, Stage

COUNT = 20
PROHIBITED = "2001:db8:7::9"


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    stage.host.sysctl("ipv6/conf/all/forwarding", 1)
    stage.host.command("ip -6 route add prohibit 2001:db8:7::/64")
    packet = packets.ipv6(SENDER6, PROHIBITED, packets.UDP, packets.udp(SENDER6, PROHIBITED, 9))
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 prohibit route", provoke, reasons=("IP_INNOROUTES",), reasonless=("6.1", "6.12"),
    locations=("ip6_pkt_prohibit", "ip6_pkt_drop"),
    counters=(Moved("snmp6", "Ip6InNoRoutes"),),
    beside=("ip6_rcv_core",),
    named=("IP_INNOROUTES in ip6_pkt_prohibit", "IP_INNOROUTES in ip6_pkt_drop"),
)
