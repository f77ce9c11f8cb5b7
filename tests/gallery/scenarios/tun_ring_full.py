"""A tun device whose program does not read what is sent to it."""

import fcntl
import struct
from pathlib import Path

from tests.gallery.hosts import send_udp
from tests.gallery.scenario import MissingError, Moved, Scenario
from tests.gallery.stage import Stage

QUEUE, COUNT = 5, 20
_TUNSETIFF, _IFF_TUN_NO_PI = 0x400454CA, 0x1001


def provoke(stage: Stage) -> int:
    try:
        device = stage.keep(stage.host.run(Path("/dev/net/tun").open))
    except OSError as error:
        raise MissingError(f"this host has no tun ({error})") from error
    stage.host.run(lambda: fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN_NO_PI)))
    stage.host.command(f"ip link set tun0 txqueuelen {QUEUE}")
    stage.host.command("ip address add 10.99.0.1/24 dev tun0")
    stage.host.command("ip link set tun0 up")
    send_udp(stage.host, QUEUE + COUNT, "10.99.0.2")
    return COUNT


SCENARIO = Scenario(
    "tun ring full", provoke, reasons=("FULL_RING",),
    locations=("tun_net_xmit",), interface="tun0",
    counters=(Moved("link", "tx_dropped", "tun0"),),
)
