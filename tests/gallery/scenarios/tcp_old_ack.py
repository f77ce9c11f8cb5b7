"""TCP segments that acknowledge what is long ago: RFC 5961 takes them for forged."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        connection.acknowledged -= 1 << 30
        with stage.send_all(COUNT):
            connection.send(ACK, COUNT, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP acknowledgement too old", provoke, reasons=("TCP_TOO_OLD_ACK",),
    locations=("tcp_rcv_established", "tcp_ack"),
    beside=("ip_error",),
)
