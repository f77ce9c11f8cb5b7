"""IPv4 packets with a wrong header checksum."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, HOST, packets.UDP, packets.udp(SENDER, HOST, 9), wrong_sum=True)
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "bad IP checksum", provoke, reasons=("IP_CSUM",),
    locations=("ip_rcv_core",),
    counters=(Moved("netstat", "IpExtInCsumErrors"), Moved("snmp", "IpInHdrErrors")),
)
