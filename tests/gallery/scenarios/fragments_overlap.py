"""Fragments of one packet that overlap."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
OVERLAP = 1  # in units of 8 bytes: the first fragment ends at 3


def provoke(stage: Stage) -> int:
    with stage.send_all(2 * COUNT):
        for number in range(COUNT):
            for offset in (0, OVERLAP):
                stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, bytes(24), identification=number,
                                             fragment=packets.MORE_FRAGMENTS | offset))
    return COUNT


SCENARIO = Scenario(
    "overlapping fragments", provoke, reasons=(), reasonless=("*",),
    locations=("ip_defrag", "ip_frag_queue"),
    counters=(Moved("netstat", "IpExtReasmOverlaps"),),
    named=("IpExtReasmOverlaps",),
)
