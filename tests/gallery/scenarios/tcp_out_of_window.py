"""TCP segments far beyond the receive window of their connection."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        with stage.send_all(COUNT):
            connection.send(ACK, COUNT, ahead=1 << 30, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP out-of-window segment", provoke, reasons=("TCP_INVALID_SEQUENCE", "TCP_INVALID_END_SEQUENCE"),
    locations=("tcp_validate_incoming", "tcp_rcv_established"),
    beside=("ip_error",),
)
