"""TCP connection attempts over IPv6 to a port that nobody listens on."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, STRANGER6, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    for port in range(COUNT):
        segment = packets.tcp(STRANGER6, HOST6, 9, packets.SYN, source_port=40000 + port)
        stage.send_ipv6(packets.ipv6(STRANGER6, HOST6, packets.TCP, segment))
    return COUNT


SCENARIO = Scenario(
    "TCP SYN over IPv6, closed port", provoke, reasons=("NO_SOCKET",),
    locations=("tcp_v6_rcv",),
    counters=(Moved("snmp", "TcpOutRsts"), Moved("snmp", "TcpInSegs")),
    beside=("ip6_forward",),
)
