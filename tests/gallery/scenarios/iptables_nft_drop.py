"""An iptables rule that drops packets for this host, as iptables of today makes it: a rule of nftables."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "iptables-nft -A INPUT -p udp --dport 9 -j DROP", "iptables-nft does not work here")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "iptables-nft drop", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"),
    counters=(Moved("nftables", "packets"),),
)
