"""ICMP echo requests with a wrong checksum."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
ECHO_REQUEST = 8


def provoke(stage: Stage) -> int:
    message = packets.icmp(ECHO_REQUEST, 0, bytes(12), wrong_sum=True)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.ICMP, message), COUNT)
    return COUNT


SCENARIO = Scenario(
    "ICMP bad checksum", provoke, reasons=("ICMP_CSUM",),
    locations=("icmp_rcv",),
    counters=(Moved("snmp", "IcmpInCsumErrors"), Moved("snmp", "IcmpInErrors")),
)
