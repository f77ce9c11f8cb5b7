"""A UDP socket of IPv6 that is not read fast enough, so that its receive buffer overflows."""

import socket
from pathlib import Path

from tests.gallery import packets
from tests.gallery.hosts import drain
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST6, SENDER6, Stage

COUNT = 100


def provoke(stage: Stage) -> int:
    stage.enable_ipv6()
    reader = stage.keep(stage.host.run(_open))
    datagram = packets.udp(SENDER6, HOST6, 9, bytes(500))
    stage.send_ipv6(packets.ipv6(SENDER6, HOST6, packets.UDP, datagram), COUNT)
    taken = 0

    def have_all_come() -> bool:
        nonlocal taken
        taken += drain(reader)
        return taken + _refused(stage) == COUNT

    wait_for(have_all_come, "each datagram was taken or refused")
    return COUNT - taken


def _refused(stage: Stage) -> int:
    counters = dict(line.split() for line in stage.host.run(Path("/proc/thread-self/net/snmp6").read_text).splitlines())
    return int(counters["Udp6RcvbufErrors"])


def _open() -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.bind((HOST6, 9))
    made.settimeout(0)
    return made


SCENARIO = Scenario(
    "UDP over IPv6, buffer full", provoke, reasons=("SOCKET_RCVBUFF",),
    locations=("udpv6_queue_rcv_one_skb", "__udpv6_queue_rcv_skb", "__udp_enqueue_schedule_skb"),
    counters=(Moved("snmp6", "Udp6RcvbufErrors"), Moved("snmp6", "Udp6InErrors"), Moved("sockets", "drops")),
    beside=("ip6_rcv_core", "icmpv6_rcv"),
)
