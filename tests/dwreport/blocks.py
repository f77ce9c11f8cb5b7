"""A reader of pcapng files, made from the specification alone, which takes nothing that is not as it says."""

from dataclasses import dataclass, field

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
_FIXED = {SECTION: 16, INTERFACE: 8, PACKET: 20}  # bytes of a body before data and options


@dataclass
class Block:
    """A block: its kind, the fixed fields, a packet's bytes, and options by their code."""

    kind: int
    fixed: bytes
    data: bytes = b""
    options: dict[int, bytes] = field(default_factory=dict)

    def number(self, begin: int, size: int = 4) -> int:
        return _number(self.fixed[begin:begin + size])

    def text(self, code: int) -> str:
        return self.options.get(code, b"").decode()

    @property
    def comment(self) -> str:
        return self.text(1)

    @property
    def time_ns(self) -> int:
        return self.number(4) << 32 | self.number(8)


@dataclass
class Packet:
    """A packet with its interface: name, description and link type."""

    interface: str
    host: str
    link_type: int
    block: Block


def blocks(content: bytes) -> list[Block]:
    """Return all blocks of a file."""
    found = []
    while content:
        size = _number(content[4:8])
        assert size % 4 == 0
        assert 12 <= size <= len(content)
        assert _number(content[size - 4:size]) == size
        found.append(_block(_number(content[:4]), content[8:size - 4]))
        content = content[size:]
    assert found[0].kind == SECTION
    assert found[0].fixed == bytes.fromhex("4d3c2b1a 0100 0000 ffffffffffffffff")
    assert all(block.kind != SECTION for block in found[1:])
    return found


def packets(content: bytes) -> list[Packet]:
    """Return the packets of a file, each of an interface that was told before it."""
    interfaces: list[Block] = []
    found = []
    for block in blocks(content)[1:]:
        if block.kind == INTERFACE:
            assert block.options[9] == b"\x09"
            interfaces.append(block)
        else:
            own = interfaces[block.number(0)]
            assert len(block.data) <= min(block.number(16), own.number(4))
            found.append(Packet(own.text(2), own.text(3), own.number(0, 2), block))
    return found


def _block(kind: int, body: bytes) -> Block:
    begin = _FIXED[kind]
    size = _number(body[12:16]) if kind == PACKET else 0
    block = Block(kind, body[:begin], body[begin:begin + size])
    rest = body[begin + _up(size):]
    assert not any(body[begin + size:begin + _up(size)])
    while True:
        code, length = _number(rest[:2]), _number(rest[2:4])
        value, padding = rest[4:4 + length], rest[4 + length:4 + _up(length)]
        assert len(value) == length
        assert not any(padding)
        rest = rest[4 + _up(length):]
        if code == 0:
            assert (length, rest) == (0, b"")
            return block
        assert code not in block.options
        block.options[code] = value


def _up(size: int) -> int:
    return (size + 3) // 4 * 4


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "little")
