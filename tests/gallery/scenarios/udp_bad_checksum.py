"""UDP datagrams with a wrong checksum, found when the socket's owner reads them."""

from tests.gallery import packets
from tests.gallery.hosts import drain, udp_socket
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, SENDER, Stage

COUNT = 20
LONG = bytes(200)  # short datagrams are checked before their socket is looked up


def provoke(stage: Stage) -> int:
    datagram = packets.udp(SENDER, HOST, 9, LONG, wrong_sum=True)
    with udp_socket(stage.host) as reader:
        with stage.send_all(COUNT):
            stage.send_ipv4(packets.ipv4(SENDER, HOST, packets.UDP, datagram), COUNT)
        return COUNT - drain(reader)


SCENARIO = Scenario(
    "UDP bad checksum, open socket", provoke, reasons=("UDP_CSUM",), reasonless=("6.1", "6.12"),
    locations=("udp_recvmsg", "__first_packet_length", "udp_read_skb"),
    counters=(Moved("snmp", "UdpInCsumErrors"), Moved("snmp", "UdpInErrors")),
    nameless={"*": "UDP keeps its own data in the packet's device pointer until the packet is read; the index remains"},
)
