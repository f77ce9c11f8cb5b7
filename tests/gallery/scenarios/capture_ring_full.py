"""A capture such as tcpdump's or Suricata's, whose ring nobody reads, so that it is full."""


from tests.fixtures.ring import Ring
from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST_MAC, SENDER_MAC, Stage

COUNT = 300
EXPERIMENTAL = 0x88B5  # IEEE 802, for local experiments


def provoke(stage: Stage) -> int:
    ring = stage.keep(stage.host.run(lambda: Ring("in0", EXPERIMENTAL)))
    with stage.send_all(1):
        stage.send_frame(packets.ethernet(SENDER_MAC, HOST_MAC, EXPERIMENTAL, bytes(500)), COUNT)
        stage.send_udp()  # comes last on the same wire
    return COUNT - ring.captured()


SCENARIO = Scenario(
    "capture ring full", provoke, reasons=(), locations=(),
    counters=(Moved("capture", "lost", labels={"local": "in0", "protocol": "packet"}),),
    silent={"*": "a packet that finds a ring full is freed as one that was taken"},
    named=("capture_ring_full",),
    beside=("__udp4_lib_rcv",),
)
