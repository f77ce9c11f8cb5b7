"""TCP segments that repeat what has arrived, as a peer sends them whose acknowledgement was lost."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import NO_ROUTE_NO_SOCKET, Scenario
from tests.gallery.stage import Stage

COUNT = 20
DATA = b"gallery"


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        with stage.send_all(1 + COUNT):
            connection.send(ACK, 1 + COUNT, payload=DATA)
    return COUNT


SCENARIO = Scenario(
    "TCP data that came twice", provoke, reasons=("TCP_OLD_DATA",),
    locations=("tcp_data_queue",),
    beside=("ip_error",), nameless={"6.1": NO_ROUTE_NO_SOCKET},
)
