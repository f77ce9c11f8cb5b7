"""Packets that may not be fragmented and are too big for the next link."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.host.command("ip link set out0 mtu 1280")
    datagram = packets.udp(SENDER, FAR, 9, bytes(1400))
    packet = packets.ipv4(SENDER, FAR, packets.UDP, datagram, fragment=packets.DONT_FRAGMENT)
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "packet too big with DF", provoke, reasons=("PKT_TOO_BIG",),
    locations=("ip_forward",),
    counters=(Moved("snmp", "IpFragFails"),),
)
