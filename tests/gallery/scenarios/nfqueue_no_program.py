"""Packets that a rule hands to a program that is not there."""

from tests.gallery.hosts import try_command
from tests.gallery.scenario import Scenario
from tests.gallery.stage import Stage

COUNT = 20


def provoke(stage: Stage) -> int:
    try_command(stage.host, "iptables -A INPUT -p udp --dport 9 -j NFQUEUE --queue-num 3", "no NFQUEUE here")
    with stage.send_all(COUNT):
        stage.send_udp(count=COUNT)
    return COUNT


SCENARIO = Scenario(
    "firewall program missing", provoke, reasons=(), reasonless=("*",),
    locations=("nf_queue",),
    named=("nfqueue_no_program", "nf_queue"), reads=("nfqueue",),
)
