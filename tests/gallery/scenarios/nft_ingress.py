"""An nftables rule that drops at a device's ingress, before the IP layer."""

from tests.gallery.hosts import nft, nft_counted
from tests.gallery.namespace import wait_for
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "ingress device in0", "udp dport 9 counter drop", family="netdev")
    stage.send_udp(count=COUNT)
    wait_for(lambda: nft_counted(stage.host) == COUNT, "the rule has seen all packets")
    return COUNT


SCENARIO = Scenario(
    "nft drop in ingress", provoke, reasons=("NETFILTER_INGRESS", "NETFILTER_DROP"),
    locations=("nft_do_chain", "nf_hook_slow", "__netif_receive_skb_core"),
    counters=(Moved("nftables", "packets"),),
)
