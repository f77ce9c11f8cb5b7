"""UDP datagrams to a port that nobody listens on."""

from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.send_udp(port=9, count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "UDP closed port", provoke, reasons=("NO_SOCKET",),
    locations=("__udp4_lib_rcv", "udp_rcv"),
    counters=(Moved("snmp", "UdpNoPorts"),),
)
