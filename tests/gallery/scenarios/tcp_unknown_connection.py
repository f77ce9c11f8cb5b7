"""Segments for a listening socket, of connections that it knows nothing of."""

import socket

from tests.gallery import packets
from tests.gallery.scenario import Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT = 20
PORT = 8443


def provoke(stage: Stage) -> int:
    stage.keep(stage.host.run(lambda: socket.create_server((HOST, PORT))))
    for number in range(COUNT):
        segment = packets.tcp(STRANGER, HOST, PORT, packets.ACK, source_port=40000 + number, acknowledged=7)
        stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment))
    return COUNT


SCENARIO = Scenario(
    "TCP connection unknown to a listener", provoke, reasons=("TCP_FLAGS",), reasonless=("6.1",),
    locations=("tcp_v4_do_rcv",),
    beside=("ip_error",),
    named=("TCP_FLAGS in tcp_v4_do_rcv", "tcp_v4_do_rcv"),
)
