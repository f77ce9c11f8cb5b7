"""SYNs inside a connection that exists."""

from tests.gallery.handshake import Connection, listen
from tests.gallery.packets import SYN
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    with listen(stage) as listener:
        connection = Connection(stage, listener).open()
        with stage.send_all(COUNT):
            connection.send(SYN, COUNT)
    return COUNT


SCENARIO = Scenario(
    "TCP SYN in a connection", provoke, reasons=("TCP_INVALID_SYN",),
    locations=("tcp_validate_incoming",),
    counters=(Moved("snmp", "TcpInErrs"), Moved("netstat", "TcpExtTCPSYNChallenge")),
    beside=("ip_error",),
)
