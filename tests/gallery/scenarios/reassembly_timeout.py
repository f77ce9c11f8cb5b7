"""First fragments whose other parts never come."""

from tests.gallery import packets
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/ipfrag_time", 1)
    datagram = packets.udp(SENDER, HOST, 9, bytes(64))
    for number in range(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram, fragment=packets.MORE_FRAGMENTS,
                                     identification=number + 1))
    wait_for(lambda: stage.host.counter("snmp", "IpReasmTimeout") == COUNT, "all reassemblies timed out")
    return COUNT


SCENARIO = Scenario(
    "fragment reassembly timeout", provoke, reasons=("FRAG_REASM_TIMEOUT",), reasonless=("6.1",),
    locations=("inet_frag_rbtree_purge", "ip_expire", "inet_frag_queue_flush"),
    counters=(Moved("snmp", "IpReasmTimeout"), Moved("snmp", "IpReasmFails")),
)
