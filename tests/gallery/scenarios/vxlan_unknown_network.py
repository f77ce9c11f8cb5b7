"""VXLAN packets of a network that no device here has."""

import struct

from tests.gallery import packets
from tests.gallery.hosts import try_command
from tests.gallery.scenario import Scenario
from tests.gallery.stage import HOST, SENDER_MAC, Stage

COUNT = 20
PORT, OURS, THEIRS = 4789, 10, 99


def provoke(stage: Stage) -> int:
    try_command(stage.host, f"ip link add vx0 type vxlan id {OURS} dstport {PORT} local {HOST} dev in0",
                "this kernel has no vxlan")
    stage.host.command("ip link set vx0 up")
    inner = packets.ethernet(SENDER_MAC, "02:00:00:00:09:09", packets.IPV4, bytes(28))
    with stage.send_all(COUNT):
        stage.send_udp(PORT, COUNT, payload=struct.pack("!BxxxI", 0x08, THEIRS << 8) + inner)
    return COUNT


SCENARIO = Scenario(
    "VXLAN network nobody has", provoke, reasons=("VXLAN_VNI_NOT_FOUND",), reasonless=("6.1",),
    locations=("vxlan_rcv",),
)
