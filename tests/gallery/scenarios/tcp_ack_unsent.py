"""TCP segments that acknowledge what this host has never sent."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        connection.acknowledged += 1 << 20
        with stage.send_all(COUNT):
            connection.send(ACK, COUNT, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP acknowledges unsent data", provoke, reasons=("TCP_ACK_UNSENT_DATA",),
    locations=("tcp_rcv_established", "tcp_ack"),
    beside=("ip_error",),
)
