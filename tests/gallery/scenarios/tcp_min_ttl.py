"""TCP connection attempts from farther away than the listener allows, as BGP's TTL security does."""

import socket

from tests.gallery import packets
from tests.gallery.handshake import PORT, listen
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT = 20
_IP_MINTTL = 21  # include/uapi/linux/in.h
NEXT_DOOR = 255


def provoke(stage: Stage) -> int:
    listener = stage.keep(listen(stage))
    listener.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, NEXT_DOOR)
    segment = packets.tcp(STRANGER, HOST, PORT, packets.SYN)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment, ttl=64), COUNT)
    return COUNT


SCENARIO = Scenario(
    "TCP from too far away", provoke, reasons=("TCP_MINTTL",), reasonless=("6.1",),
    locations=("tcp_v4_rcv",),
    counters=(Moved("netstat", "TcpExtTCPMinTTLDrop"),),
)
