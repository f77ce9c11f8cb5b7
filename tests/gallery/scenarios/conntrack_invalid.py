"""Segments that fit no connection, dropped by a rule for `ct state invalid`."""

from tests.gallery import packets
from tests.gallery.hosts import nft, nft_counted
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "input", "ct state invalid counter drop")
    segment = packets.tcp(STRANGER, HOST, 9, packets.SYN | packets.FIN)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment), COUNT)
    return nft_counted(stage.host)


SCENARIO = Scenario(
    "conntrack invalid", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"),
    counters=(Moved("conntrack", "invalid"), Moved("nftables", "packets")),
)
