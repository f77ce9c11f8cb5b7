"""Packets to be forwarded to where no route leads."""

from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT, target="203.0.113.9")
    return COUNT


SCENARIO = Scenario(
    "no route in forwarding", provoke, reasons=("IP_INNOROUTES",),
    locations=("ip_error",),
    counters=(Moved("netstat", "IpExtInNoRoutes"),),
)
