"""IPv4 packets of a protocol that this host does not speak."""

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
EXPERIMENTAL = 253  # RFC 3692


def provoke(stage: Stage) -> int:
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(SENDER, HOST, EXPERIMENTAL, b"gallery"), COUNT)
    return COUNT


SCENARIO = Scenario(
    "unknown IP protocol", provoke, reasons=("IP_NOPROTO",),
    locations=("ip_local_deliver_finish", "ip_protocol_deliver_rcu"),
    counters=(Moved("snmp", "IpInUnknownProtos"),),
)
