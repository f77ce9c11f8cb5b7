"""UDP datagrams with a wrong checksum to a port that nobody listens on: the checksum is looked at first."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    datagram = packets.udp(SENDER, HOST, 9, wrong_sum=True)
    stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram), COUNT)
    return COUNT


SCENARIO = Scenario(
    "UDP bad checksum, closed port", provoke, reasons=("UDP_CSUM",),
    locations=("__udp4_lib_rcv", "udp_rcv"),
    counters=(Moved("snmp", "UdpInCsumErrors"), Moved("snmp", "UdpInErrors")),
)
