"""An nftables rule that drops after routing."""

from tests.gallery.hosts import nft, nft_counted
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import FAR, Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "postrouting", "udp dport 9 counter drop")
    stage.forward()
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT, target=FAR)
    return nft_counted(stage.host)


SCENARIO = Scenario(
    "nft drop in postrouting", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"), interface="out0",
    counters=(Moved("nftables", "packets"),),
    nameless={"net_dm": NO_OUT_PORT},
)
