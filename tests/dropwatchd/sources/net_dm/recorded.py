"""Messages that drop monitors of real kernels sent, as they were received."""

from pathlib import Path

RECORDED = sorted((Path(__file__).parent / "fixtures").glob("*.bin"))


def recorded(path: Path) -> list[bytes]:
    """Split a file of netlink messages, each with its length in front."""
    content, messages, at = path.read_bytes(), [], 0
    while at < len(content):
        size = int.from_bytes(content[at:at + 4], "little")
        messages.append(content[at:at + size])
        at += (size + 3) & ~3
    return messages
