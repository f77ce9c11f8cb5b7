"""More TCP connections than the listening socket's owner accepts: the last step of the handshake is dropped."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 12
BACKLOG = 3  # the queue holds one more than this


def provoke(stage: Stage) -> int:
    with listen(stage, backlog=BACKLOG) as listener:
        late = Connection(stage, listener, 42000)
        late.synchronise()
        for number in range(BACKLOG + 1):
            Connection(stage, listener, 41000 + number).open()
        with stage.send_all(COUNT):
            late.send(ACK, COUNT)
    return COUNT


SCENARIO = Scenario(
    "TCP listen queue overflow", provoke, reasons=("TCP_LISTEN_OVERFLOW",), reasonless=("6.1", "6.12"),
    locations=("tcp_v4_rcv",),
    counters=(Moved("netstat", "TcpExtListenOverflows"), Moved("netstat", "TcpExtListenDrops")),
    beside=("ip_error",),
)
