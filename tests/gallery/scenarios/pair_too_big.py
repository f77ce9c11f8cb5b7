"""Packets that are longer than what the other end of a veth pair takes."""

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import FAR, Stage

COUNT, MTU, SIZE = 20, 1000, 1300


def prepare(stage: Stage) -> None:
    stage.far.command(f"ip link set in0 mtu {MTU}")


def provoke(stage: Stage) -> int:
    send_udp(stage.host, COUNT, FAR, bytes(SIZE))
    return COUNT


SCENARIO = Scenario(
    "other end takes less", provoke, reasons=("PKT_TOO_BIG",), reasonless=("6.1", "6.12", "6.18", "7.3"),
    locations=("__dev_forward_skb2", "__dev_forward_skb"), interface="out0", named=("PKT_TOO_BIG",),
    counters=(Moved("link", "tx_dropped", "out0"), Moved("link", "rx_dropped", "in0", role="far")), reads=("device",),
    prepare=prepare, nameless={"net_dm": NO_OUT_PORT, "net_dm summary": NO_OUT_PORT},
)
