"""Packets to be forwarded along a route of type unreachable."""

from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.host.command("ip route add unreachable 203.0.113.0/24")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT, target="203.0.113.9")
    return COUNT


SCENARIO = Scenario(
    "unreachable route", provoke, reasons=("IP_INNOROUTES",), reasonless=("*",),
    locations=("ip_error", "dst_discard"),
    counters=(Moved("route", "in_no_route", at_least=COUNT),),
    named=("blackhole_or_prohibit_route",),
)
