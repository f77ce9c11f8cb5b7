"""An iptables rule, of the kernel's old ip_tables, that drops packets for this host."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "iptables-legacy -A INPUT -p udp --dport 9 -j DROP", "this kernel has no ip_tables")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "iptables drop", provoke, reasons=("NETFILTER_DROP",),
    locations=("ipt_do_table", "nf_hook_slow"),
    counters=(Moved("iptables", "packets"),),
)
