"""A routing rule that throws packets to be forwarded away."""

from tests.gallery.scenario import Scenario
from tests.gallery.stage import FAR, SENDER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.host.command(f"ip rule add from {SENDER} blackhole")
    with stage.send_all(COUNT):
        stage.send_udp(target=FAR, count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "blackhole rule", provoke, reasons=(), reasonless=("*",), locations=("ip_error",),
    named=("blackhole_or_prohibit_route",),
)
