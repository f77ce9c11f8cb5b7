"""A chain that drops by its policy what no rule allowed, without a counter."""

from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def prepare(stage: Stage) -> None:
    stage.host.command("nft -f -", """
        table inet gallery {
            chain input {
                type filter hook input priority 0; policy drop;
                udp dport 10 accept
            }
            chain forward {
                type filter hook forward priority 0; policy accept;
            }
        }""")


def provoke(stage: Stage) -> int:
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "nft policy drop", provoke, reasons=("NETFILTER_DROP",), locations=("nft_do_chain", "nf_hook_slow"),
    named=("firewall_policy",), reads=("nftables",), prepare=prepare,
)
