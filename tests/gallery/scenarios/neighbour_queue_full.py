"""More packets to a neighbour than may wait for its address."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import NO_MAC_HEADER, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20
NOBODY = "198.51.100.99"


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/neigh/out0/unres_qlen_bytes", 1)
    stage.host.sysctl("ipv4/neigh/out0/retrans_time_ms", 60_000)
    send_udp(stage.host, 1 + COUNT, NOBODY)
    return COUNT


SCENARIO = Scenario(
    "neighbour queue full", provoke, reasons=("NEIGH_QUEUEFULL",),
    locations=("__neigh_event_send",), interface="out0",
    counters=(Moved("neighbour", "unresolved_discards", at_least=COUNT),),
    silent={"net_dm": NO_MAC_HEADER},
)
