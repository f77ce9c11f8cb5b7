"""Packets for others than those who recorded them: without addresses, hosts, and names of namespaces."""

import re
from dataclasses import replace

from dropwatchd.history.read.reader import PacketRow, Reader
from dropwatchd.model import DropKey
from dwreport.packets.messages import is_message
from dwreport.packets.pseudonyms import Pseudonyms
from dwreport.packets.redact import redacted


class Veil:
    """Gives the same names to the same, as long as it lives."""

    def __init__(self, reader: Reader) -> None:
        hosts = [str(host) for host, in reader.rows("SELECT hostname FROM runs GROUP BY hostname ORDER BY min(id)")]
        machines = [str(one) for one, in reader.rows("SELECT DISTINCT machine_id FROM runs")]
        self.names = Pseudonyms([*hosts, *machines])
        self._spaces: dict[str, str] = {}
        spaces = sorted({str(name) for name, in reader.rows(
            "SELECT name FROM namespaces WHERE name != '' AND kind IS NOT 'initial'")}, key=len, reverse=True)
        self._space = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spaces))})(?!\w)" if spaces else r"(?!)")

    def text(self, text: str) -> str:
        """Return a text with each address and host in it replaced."""
        return self.names.text(text)

    def space(self, name: str) -> str:
        """Return what a namespace is called."""
        return self._spaces.setdefault(name, f"netns-{len(self._spaces) + 1}")

    def prose(self, text: str) -> str:
        """Return a text with each address, host and namespace in it replaced."""
        return self._space.sub(lambda found: self.space(found[0]), self.text(text))

    def data(self, data: bytes, key: DropKey, *, link_header: bool) -> bytes:
        """Return the headers of a packet with other addresses; of a message between programs, nothing."""
        return b"" if is_message(key) else redacted(data, key.kind.protocol, self.names, link_header=link_header)

    def packet(self, packet: PacketRow) -> PacketRow:
        """Return a packet of which nobody can tell whose it is."""
        interface, name = packet.key.interface, packet.key.interface.netns_name
        if name is not None and interface.netns_kind != "initial":
            interface = interface._replace(netns_name=self.space(name))
        return replace(packet, host=self.text(packet.host), key=packet.key._replace(interface=interface),
                       data=self.data(packet.data, packet.key, link_header=packet.link_header))
