"""Connection attempts to a listening socket whose queue is full."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import SYN
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 12


def provoke(stage: Stage) -> int:
    with listen(stage, backlog=0) as listener:
        Connection(stage, listener, 41000).open()
        with stage.send_all(COUNT):
            for number in range(COUNT):
                Connection(stage, listener, 42000 + number).send(SYN)
    return COUNT


SCENARIO = Scenario(
    "TCP SYN, listen queue full", provoke, reasons=("TCP_LISTEN_OVERFLOW",),
    locations=("tcp_v4_rcv",),
    silent={"*": "the kernel frees a refused SYN as one that was used up (tcp_rcv_state_process)"},
    counters=(Moved("netstat", "TcpExtListenOverflows"), Moved("netstat", "TcpExtListenDrops")),
    beside=("ip_error",),
    named=("TcpExtListenOverflows",),
)
