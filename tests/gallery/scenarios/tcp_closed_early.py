"""Data for TCP connections whose program has shut down its side and closed: each is reset."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 10


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connections = []
        for number in range(COUNT):
            connections.append(Connection(stage, listener, 41000 + number).open())
            accepted, _address = listener.accept()
            accepted.close()
        with stage.send_all(COUNT):
            for connection in connections:
                connection.send(ACK, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP data after close", provoke, reasons=("TCP_ABORT_ON_DATA",), reasonless=("6.1",),
    locations=("tcp_v4_do_rcv", "tcp_rcv_state_process"),
    counters=(Moved("netstat", "TcpExtTCPAbortOnData"),),
    beside=("ip_error",),
)
