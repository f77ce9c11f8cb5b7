"""A vxlan tunnel whose route to the other end leads into itself."""

from tests.gallery.hosts import send_udp, try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, Stage

COUNT = 20
REMOTE = "203.0.113.9"


def provoke(stage: Stage) -> int:
    make_tunnel(stage)
    stage.host.command(f"ip route add {REMOTE} dev vx0")
    send_udp(stage.host, COUNT, "10.99.0.2")
    return COUNT


def make_tunnel(stage: Stage) -> None:
    """Make a tunnel to a host that no route leads to."""
    try_command(stage.host, f"ip link add vx0 type vxlan id 10 dstport 4789 local {HOST} remote {REMOTE}",
                "this kernel has no vxlan")
    stage.host.command("ip address add 10.99.0.1/24 dev vx0")
    stage.host.command("ip link set vx0 up")
    stage.host.command("ip neighbour replace 10.99.0.2 lladdr 02:00:00:00:09:09 dev vx0 nud permanent")


SCENARIO = Scenario(
    "tunnel into itself", provoke, reasons=("IP_OUTNOROUTES",), reasonless=("6.1", "6.12"),
    locations=("vxlan_xmit_one",), interface="vx0", named=("tunnel_loop",),
    counters=(Moved("link", "collisions", "vx0"), Moved("link", "tx_errors", "vx0")), reads=("device",),
)
