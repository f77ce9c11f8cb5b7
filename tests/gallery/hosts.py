"""What scenarios do to the host under test: filters, queues, global settings that are put back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.gallery.namespace import Namespace
from tests.gallery.scenario import MissingError
from tests.gallery.stage import FAR, HOST

# A classic BPF program for `tc`: one instruction, return TC_ACT_SHOT.
TC_DROP = "bpf direct-action bytecode '1,6 0 0 2,'"


def nft(namespace: Namespace, chain: str, rule: str, family: str = "inet") -> None:
    """Add a table with one base chain and one rule in it; `chain` is "input" or "ingress device in0"."""
    hook = chain.partition(" ")[0]
    namespace.command("nft -f -", f"""
        table {family} gallery {{
            chain {hook} {{
                type filter hook {chain} priority 0; policy accept;
                {rule}
            }}
        }}""")


def nft_counted(namespace: Namespace) -> int:
    """Return the packets that the first counter in the ruleset has seen."""
    words = namespace.command("nft list ruleset").split()
    return int(words[words.index("counter") + 2])  # counter packets N bytes N; a limit has packets too


def try_command(namespace: Namespace, line: str, missing: str) -> None:
    """Run a command whose failure means that this kernel lacks something."""
    try:
        namespace.command(line)
    except (RuntimeError, OSError) as error:
        raise MissingError(f"{missing} ({error})") from error


def send_udp(namespace: Namespace, count: int, target: str = FAR, payload: bytes = b"gallery") -> None:
    """Have a program of the namespace send datagrams; that one is refused does not keep it from sending the next."""
    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(count):
                with suppress(PermissionError):
                    sender.sendto(payload, (target, 9))

    namespace.run(send)


def udp_socket(namespace: Namespace, port: int = 9, buffer: int = 0) -> socket.socket:
    """Return a bound UDP socket of the host, with a receive buffer of `buffer` bytes as setsockopt takes it."""
    def create() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        made.bind((HOST, port))
        made.settimeout(0)
        return made

    return namespace.run(create)


def drain(received: socket.socket) -> int:
    """Read until there is nothing left, and return how many packets there were."""
    for count in range(1 << 30):
        try:
            received.recv(65536)
        except BlockingIOError:
            return count
    return 0


@contextmanager
def global_setting(path: str, value: object) -> Iterator[None]:
    """Set /proc/sys/PATH of the initial namespace, and put it back."""
    file = Path("/proc/sys", path)
    before = file.read_text()
    file.write_text(str(value))
    try:
        yield
    finally:
        file.write_text(before)
