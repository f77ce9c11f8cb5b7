"""A vxlan tunnel without a route to its other end."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.scenarios.vxlan_loop import make_tunnel
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    make_tunnel(stage)
    send_udp(stage.host, COUNT, "10.99.0.2")
    return COUNT


SCENARIO = Scenario(
    "tunnel without a route", provoke, reasons=("IP_OUTNOROUTES",), reasonless=("6.1", "6.12"),
    locations=("vxlan_xmit_one",), interface="vx0", named=("tunnel_no_route",),
    counters=(Moved("link", "tx_carrier_errors", "vx0"), Moved("link", "tx_errors", "vx0")), reads=("device",),
)
