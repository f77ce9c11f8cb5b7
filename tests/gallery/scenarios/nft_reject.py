"""An nftables rule that refuses packets and says so to their sender."""

from tests.gallery.hosts import nft, nft_counted
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "input", "udp dport 9 counter reject")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return nft_counted(stage.host)


SCENARIO = Scenario(
    "nft reject in input", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"),
    counters=(Moved("nftables", "packets"),),
)
