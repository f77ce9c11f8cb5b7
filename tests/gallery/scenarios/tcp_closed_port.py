"""TCP connection attempts to a port that nobody listens on."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    for port in range(COUNT):
        segment = packets.tcp(STRANGER, HOST, 9, packets.SYN, source_port=40000 + port)
        stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment))
    return COUNT


SCENARIO = Scenario(
    "TCP SYN to a closed port", provoke, reasons=("NO_SOCKET",),
    locations=("tcp_v4_rcv",),
    counters=(Moved("snmp", "TcpOutRsts"), Moved("snmp", "TcpInSegs")),
    beside=("ip_error",),
)
