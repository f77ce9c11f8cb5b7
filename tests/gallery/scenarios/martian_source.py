"""Packets on the wire from the loopback network."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    packet = packets.ipv4("127.0.0.1", HOST, packets.UDP, packets.udp("127.0.0.1", HOST, 9))
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "martian source", provoke, reasons=("IP_LOCALNET", "IP_INVALID_SOURCE"), reasonless=("6.1", "6.12"),
    locations=("ip_rcv_finish_core", "ip_rcv_finish"),
    counters=(Moved("route", "in_martian_src", at_least=COUNT),),
)
