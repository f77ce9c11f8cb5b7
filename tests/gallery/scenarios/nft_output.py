"""An nftables rule that drops what this host sends; the sender's call fails."""

from tests.gallery.hosts import nft, send_udp
from tests.gallery.scenario import NO_MAC_HEADER, Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    nft(stage.host, "output", "udp dport 9 counter drop")
    send_udp(stage.host, COUNT)
    return COUNT


SCENARIO = Scenario(
    "nft drop in output", provoke, reasons=("NETFILTER_DROP",),
    locations=("nft_do_chain", "nf_hook_slow"), interface="out0",
    counters=(Moved("snmp", "IpOutDiscards"), Moved("nftables", "packets")),
    silent={"net_dm": NO_MAC_HEADER},
)
