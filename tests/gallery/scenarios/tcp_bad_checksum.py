"""TCP segments with a wrong checksum, for a connection that exists."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        with stage.send_all(COUNT):
            connection.send(ACK, COUNT, payload=b"gallery", wrong_sum=True)
    return COUNT


SCENARIO = Scenario(
    "TCP bad checksum", provoke, reasons=("TCP_CSUM",),
    locations=("tcp_v4_rcv", "tcp_v4_do_rcv"),
    counters=(Moved("snmp", "TcpInCsumErrors"), Moved("snmp", "TcpInErrs")),
    beside=("ip_error",),
)
