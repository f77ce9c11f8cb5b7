"""More packets for a CPU than its backlog holds: the fragments of a jumbo packet come in one burst."""

from tests.gallery import packets
from tests.gallery.hosts import global_setting
from tests.gallery.scenario import NO_IN_PORT, Moved, Scenario
from tests.gallery.stage import FAR, SENDER, Stage

COUNT = 3
FRAGMENTS = 16  # of 8000 bytes, over a link of 576


def provoke(stage: Stage) -> int:
    stage.forward()
    stage.sender.command("ip link set wire mtu 9000")
    stage.host.command("ip link set in0 mtu 9000")
    stage.host.command("ip link set out0 mtu 576")
    datagram = packets.udp(SENDER, FAR, 9, bytes(FRAGMENTS * 552 - 8))
    with global_setting("net/core/netdev_max_backlog", 4), stage.send_all(COUNT):
        for number in range(COUNT):
            stage.send_ipv4(packets.ipv4(SENDER, FAR, packets.UDP, datagram, identification=number + 1))
    made = stage.host.counter("snmp", "IpFragCreates") + stage.host.counter("snmp", "IpFragFails")
    return made - stage.far.counter("snmp", "IpInReceives")


SCENARIO = Scenario(
    "backlog overflow", provoke, reasons=("CPU_BACKLOG",),
    locations=("enqueue_to_backlog",), role="far",
    counters=(Moved("link", "rx_dropped", "in0", role="far"), Moved("softnet", "dropped", at_least=1)),
    nameless={"net_dm": NO_IN_PORT},
)
