"""ICMPv6 echo requests with a wrong checksum."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 20
ECHO_REQUEST = 128


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    message = packets.icmp(ECHO_REQUEST, 0, bytes(12))  # a sum without the addresses
    stage.send_ipv6(packets.ipv6(SENDER6, HOST6, packets.ICMPV6, message), COUNT)
    return COUNT


SCENARIO = Scenario(
    "ICMPv6 bad checksum", provoke, reasons=("ICMP_CSUM",),
    locations=("icmpv6_rcv",),
    counters=(Moved("snmp6", "Icmp6InCsumErrors"), Moved("snmp6", "Icmp6InErrors")),
    beside=("ip6_rcv_core",),
)
