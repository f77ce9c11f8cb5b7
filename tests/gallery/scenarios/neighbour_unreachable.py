"""Packets to a neighbour that answers no ARP request."""

from tests.gallery.hosts import send_udp
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import NO_MAC_HEADER, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 5
NOBODY = "198.51.100.99"


def provoke(stage: Stage) -> int:
    stage.host.sysctl("ipv4/neigh/out0/mcast_solicit", 1)
    stage.host.sysctl("ipv4/neigh/out0/retrans_time_ms", 100)
    send_udp(stage.host, COUNT, NOBODY)
    wait_for(lambda: "FAILED" in stage.host.command("ip neighbour show"), "the neighbour has failed")
    return COUNT


SCENARIO = Scenario(
    "neighbour unreachable", provoke, reasons=("NEIGH_FAILED",),
    locations=("neigh_invalidate", "arp_error_report", "ipv4_link_failure"), interface="out0",
    counters=(Moved("neighbour", "res_failed", at_least=1),),
    silent={"net_dm": NO_MAC_HEADER},
)
