"""An nftables rule at a device's way out."""

from tests.gallery.hosts import nft, nft_counted, send_udp
from tests.gallery.scenario import NO_OUT_PORT, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "egress device out0", "udp dport 9 counter drop", family="netdev")
    send_udp(stage.host, COUNT)
    return nft_counted(stage.host)


SCENARIO = Scenario(
    "nft drop in egress", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow", "__dev_queue_xmit"), interface="out0",
    counters=(Moved("nftables", "packets"),),
    nameless={"net_dm": NO_OUT_PORT},
)
