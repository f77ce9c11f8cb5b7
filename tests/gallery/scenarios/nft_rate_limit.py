"""An nftables rule that lets a few packets a minute pass, and drops all beyond."""

from tests.gallery.hosts import nft, nft_counted
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 40


def provoke(stage: Stage) -> int:
    nft(stage.host, "prerouting", "udp dport 9 limit rate over 1/minute burst 5 packets counter drop")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return nft_counted(stage.host)


SCENARIO = Scenario(
    "nft rate limit", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"),
    counters=(Moved("nftables", "packets"),),
    beside=("__udp4_lib_rcv",),
)
