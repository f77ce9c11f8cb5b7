"""More SYNs than the queue of a listener holds, where SYN cookies are off."""

from tests.gallery import packets
from tests.gallery.handshake import listen
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT, BACKLOG = 30, 4


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/tcp_syncookies", 0)
    stage.host.sysctl("ipv4/tcp_max_syn_backlog", BACKLOG)
    listener = stage.keep(listen(stage, BACKLOG))
    with stage.send_all(COUNT):
        for number in range(COUNT):
            segment = packets.tcp(STRANGER, HOST, listener.getsockname()[1], packets.SYN, source_port=41000 + number)
            stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment))
    return stage.host.counter("netstat", "TcpExtListenDrops")


SCENARIO = Scenario(
    "TCP SYN queue full", provoke, reasons=(), locations=(),
    counters=(Moved("netstat", "TcpExtListenDrops"),),
    silent={"*": "a SYN that is refused is freed as one that was used up"},
    beside=("ip_error",),
    named=("TcpExtListenDrops",),
)
