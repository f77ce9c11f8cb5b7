"""IPv4 packets whose header says that it is another version."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, HOST, packets.UDP, packets.udp(SENDER, HOST, 9), version=5)
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "bad IP header", provoke, reasons=("IP_INHDR",),
    locations=("ip_rcv_core",),
    counters=(Moved("snmp", "IpInHdrErrors"),),
)
