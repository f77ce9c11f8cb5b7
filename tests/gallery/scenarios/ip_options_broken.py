"""IPv4 packets with an option that cannot be."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
RECORD_ROUTE = bytes([7, 3, 1, 0])  # its pointer lies before its first slot


def provoke(stage: Stage) -> int:
    datagram = packets.udp(SENDER, HOST, 9)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram, options=RECORD_ROUTE), COUNT)
    return COUNT


SCENARIO = Scenario(
    "broken IP options", provoke, reasons=("IP_INHDR",), reasonless=("6.1", "6.12"),
    locations=("ip_rcv_finish_core", "ip_rcv_finish"),
    counters=(Moved("snmp", "IpInHdrErrors"),),
    named=("IP_INHDR in ip_rcv_finish_core",),
)
