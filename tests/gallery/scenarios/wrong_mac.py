"""IP packets in frames for another station's MAC address."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv4(SENDER, HOST, packets.UDP, packets.udp(SENDER, HOST, 9))
    stage.send_ipv4(packet, COUNT, target="02:00:00:00:09:09")
    return COUNT


SCENARIO = Scenario(
    "wrong destination MAC", provoke, reasons=("OTHERHOST",),
    locations=("ip_rcv_core",),
    counters=(Moved("link", "rx_otherhost_dropped", "in0"),),
)
