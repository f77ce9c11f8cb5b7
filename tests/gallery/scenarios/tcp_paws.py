"""TCP segments whose time stamp is older than that of an earlier one."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import ACK
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener, timestamps=True).open()
        with stage.send_all(COUNT):
            connection.send(ACK, COUNT, age=10_000, payload=b"gallery")
    return COUNT


SCENARIO = Scenario(
    "TCP PAWS", provoke, reasons=("TCP_RFC7323_PAWS",),
    locations=("tcp_validate_incoming",),
    counters=(Moved("netstat", "TcpExtPAWSEstab"),),
    beside=("ip_error",),
)
