"""IPv6 packets to be forwarded whose hop limit ends here."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import SENDER6, Stage

COUNT = 20
ELSEWHERE = "2001:db8:2::9"


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    stage.host.sysctl("ipv6/conf/all/forwarding", 1)
    stage.host.command("ip -6 route add 2001:db8:2::/64 via 2001:db8:1::1 dev in0")
    packet = packets.ipv6(SENDER6, ELSEWHERE, packets.UDP, packets.udp(SENDER6, ELSEWHERE, 9), hop_limit=1)
    stage.send_ipv6(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "IPv6 hop limit exceeded", provoke, reasons=("IP_INHDR",),
    locations=("ip6_forward",),
    counters=(Moved("snmp6", "Ip6InHdrErrors"),),
    beside=("ip6_rcv_core",),
)
