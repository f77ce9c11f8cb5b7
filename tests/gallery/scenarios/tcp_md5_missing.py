"""Segments without a signature to a socket that demands one."""

import socket
import struct

from tests.gallery import packets
from tests.gallery.scenario import Moved, Scenario
from tests.gallery.stage import HOST, STRANGER, Stage

COUNT = 20
BGP = 179
_TCP_MD5SIG = 14  # include/uapi/linux/tcp.h
_KEY = b"gallery"


def provoke(stage: Stage) -> int:
    stage.keep(stage.host.run(_listen))
    segment = packets.tcp(STRANGER, HOST, BGP, packets.SYN)
    with stage.send_all(COUNT):
        stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment), COUNT)
    return COUNT


def _listen() -> socket.socket:
    """Return a listener with a key for STRANGER: struct tcp_md5sig begins with a struct sockaddr_storage."""
    listener = socket.socket()
    peer = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(STRANGER))
    listener.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, peer + struct.pack("=BBHi80s", 0, 0, len(_KEY), 0, _KEY))
    listener.bind((HOST, BGP))
    listener.listen()
    return listener


SCENARIO = Scenario(
    "TCP MD5 signature missing", provoke, reasons=("TCP_MD5NOTFOUND",),
    locations=("tcp_v4_rcv",),
    counters=(Moved("netstat", "TcpExtTCPMD5NotFound"),),
)
