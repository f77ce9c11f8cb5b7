"""Packets to be forwarded whose time to live ends here."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    packet = packets.ipv4(SENDER, FAR, packets.UDP, packets.udp(SENDER, FAR, 9), ttl=1)
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "TTL exceeded", provoke, reasons=("IP_INHDR",),
    locations=("ip_forward",), counters=(Moved("snmp", "IpInHdrErrors"),),
)
