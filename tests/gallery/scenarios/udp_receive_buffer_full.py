"""A UDP socket that is not read fast enough, so that its receive buffer overflows."""

from tests.gallery.hosts import drain, udp_socket
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 100


def provoke(stage: Stage) -> int:
    reader = stage.keep(udp_socket(stage.host, buffer=4096))
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT, payload=bytes(500))
    return COUNT - drain(reader)


SCENARIO = Scenario(
    "UDP receive buffer full", provoke, reasons=("SOCKET_RCVBUFF",),
    locations=("udp_queue_rcv_one_skb", "__udp_queue_rcv_skb", "__udp_enqueue_schedule_skb"),
    counters=(Moved("snmp", "UdpRcvbufErrors"), Moved("snmp", "UdpInErrors"), Moved("sockets", "drops")),
)
