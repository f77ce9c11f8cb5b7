"""New connections when the connection tracking table is full."""

from pathlib import Path

from tests.gallery import packets
from tests.gallery.hosts import global_setting, nft
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
ROOM = 4


def provoke(stage: Stage) -> int:
    nft(stage.host, "input", "ct state established counter accept")
    with global_setting("net/netfilter/nf_conntrack_max", ROOM), stage.send_all(COUNT + ROOM):
        for number in range(COUNT + ROOM):
            datagram = packets.udp(SENDER, HOST, 9, source_port=40000 + number)
            stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram))
    return COUNT - stage.host.run(_early_drops)


def _early_drops() -> int:
    """Return how many flows were let in after all, each in place of one that had seen no answer."""
    header, *rows = Path("/proc/thread-self/net/stat/nf_conntrack").read_text().splitlines()
    column = header.split().index("early_drop")
    return sum(int(row.split()[column], 16) for row in rows)


SCENARIO = Scenario(
    "conntrack table full", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"),
    counters=(Moved("conntrack", "drop"),),
    beside=("__udp4_lib_rcv",),
    named=("conntrack/drop",),
)
