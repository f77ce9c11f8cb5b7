"""TCP segments behind a hole that come a second time, before the hole is filled."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import NO_ROUTE_NO_SOCKET, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
HOLE = 100


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        with stage.send_all(1 + COUNT):
            connection.send(ACK, 1 + COUNT, ahead=HOLE, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP data twice behind a hole", provoke, reasons=("TCP_OFOMERGE",),
    locations=("tcp_data_queue_ofo", "tcp_data_queue"),
    counters=(Moved("netstat", "TcpExtTCPOFOMerge"),),
    beside=("ip_error",), nameless={"6.1": NO_ROUTE_NO_SOCKET},
)
