"""A TCP connection whose one end is a real socket and whose other end is written by hand, segment by segment."""

import socket
import struct
from contextlib import ExitStack
from typing import NamedTuple, Self

from tests.gallery import packets
from tests.gallery.packets import ACK, SYN
from tests.gallery.stage import HOST, STRANGER, Stage

PORT = 8080
_ANSWER_S = 30.0


class Answer(NamedTuple):
    """What of a segment of the host matters here."""

    sequence: int
    acknowledged: int
    flags: int
    timestamp: int


class Connection:
    """Connects STRANGER to a listening socket of the host; STRANGER is no address of the sender, so nobody resets."""

    def __init__(self, stage: Stage, listener: socket.socket, source_port: int = 40000, *,
                 timestamps: bool = False) -> None:
        self._stage = stage
        self._port = listener.getsockname()[1]
        self._source_port = source_port
        self._timestamps = timestamps
        self.now = 1_000_000  # our timestamp clock
        self.sequence, self.acknowledged, self._echo = 1000, 0, 0

    def synchronise(self) -> None:
        """Send a SYN, and take the answer to it."""
        with ExitStack() as stack:
            wire = stack.enter_context(self._stage.sender.run(_listen))
            self.send(SYN)
            answer = _await(wire, self._source_port)
        self.sequence += 1
        self.acknowledged, self._echo = answer.sequence + 1, answer.timestamp

    def open(self) -> Self:
        """Shake hands."""
        self.synchronise()
        self.send(ACK)
        return self

    def send(self, flags: int, count: int = 1, *, ahead: int = 0, age: int = 0, payload: bytes = b"",
             wrong_sum: bool = False) -> None:
        """Send a segment, `ahead` bytes from where it should be, `age` ticks older than the ones before."""
        options = packets.timestamps(self.now - age, self._echo) if self._timestamps else b""
        segment = packets.tcp(STRANGER, HOST, self._port, flags, source_port=self._source_port,
                              sequence=self.sequence + ahead, acknowledged=self.acknowledged, options=options,
                              payload=payload, wrong_sum=wrong_sum)
        self._stage.send_ipv4(packets.ipv4(STRANGER, HOST, packets.TCP, segment), count)


def listen(stage: Stage, backlog: int = 16) -> socket.socket:
    """Return a listening TCP socket of the host."""
    def create() -> socket.socket:
        return socket.create_server((HOST, PORT), backlog=backlog)

    return stage.host.run(create)


def _listen() -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(packets.IPV4))
    wire.bind(("wire", packets.IPV4))
    wire.settimeout(_ANSWER_S)
    return wire


def _await(wire: socket.socket, port: int) -> Answer:
    """Return the first segment of the host to a port of ours."""
    while True:
        data, address = wire.recvfrom(2048)
        segment = data[20:]
        if address[2] == socket.PACKET_HOST and data[9] == packets.TCP and segment[2:4] == struct.pack("!H", port):
            return _parse(segment)


def _parse(segment: bytes) -> Answer:
    sequence, acknowledged, offset, flags = struct.unpack_from("!IIBB", segment, 4)
    options = segment[20:(offset >> 4) * 4]
    at = options.find(b"\x08\x0a")
    value = struct.unpack_from("!I", options, at + 2)[0] if at >= 0 else 0
    return Answer(sequence, acknowledged, flags, value)
