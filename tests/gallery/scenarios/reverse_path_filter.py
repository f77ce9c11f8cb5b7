"""Packets from an address that is not reached through the interface they came in by."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import FAR, HOST, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/conf/in0/rp_filter", 1)
    packet = packets.ipv4(FAR, HOST, packets.UDP, packets.udp(FAR, HOST, 9))
    with stage.send_all(COUNT):
        stage.send_ipv4(packet, COUNT)
    return COUNT


SCENARIO = Scenario(
    "reverse path filter", provoke, reasons=("IP_RPFILTER",),
    locations=("ip_rcv_finish_core", "ip_rcv_finish"),
    counters=(Moved("netstat", "TcpExtIPReversePathFilter"),),
)
