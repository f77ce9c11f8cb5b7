"""Other names in the place of addresses and hosts: the same for the same, and from which nobody finds back."""

import ipaddress
import re
from collections.abc import Iterable

# What identifies nobody stays: a reader must see that a packet was sent to many, or to the host itself.
_V4_BASE = int(ipaddress.IPv4Address("198.18.0.0"))     # RFC 2544: of no host
_V6_BASE = int(ipaddress.IPv6Address("2001:db8::"))     # RFC 3849: for documents
_LINK_LOCAL = int(ipaddress.IPv6Address("fe80::db8:0:0"))
_SOLICITED = ipaddress.ip_network("ff02::1:ff00:0/104")  # RFC 4291: the end of an address is in it
_MAC_BASE = 0x0200_5E00_0000                            # locally administered
_GROUP, _SOLICITED_MAC = 1, b"\x33\x33\xff"             # of the first octet; RFC 2464

_MAC = r"(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
_V4 = r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])"
_V6 = r"(?<![\w:.])[0-9A-Fa-f:]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?![\w:])"


class Pseudonyms:
    """Gives addresses, and the `hosts` that are named, in the order in which they come, the next name that is free."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._given: dict[bytes, bytes] = {}
        self._hosts = {host: f"host-{number}" for number, host in enumerate(dict.fromkeys(hosts), 1)}
        named = "|".join(map(re.escape, sorted(filter(None, self._hosts), key=len, reverse=True)))
        self._pattern = re.compile(f"{_MAC}|{_V4}|{_V6}" + (rf"|(?<!\w)(?:{named})(?!\w)" if named else ""))

    def text(self, text: str) -> str:
        """Return a text with each address and host in it replaced."""
        return self._pattern.sub(lambda found: self._named(found[0]), text)

    def _named(self, word: str) -> str:
        if word in self._hosts:
            return self._hosts[word]
        if re.fullmatch(_MAC, word):
            return self.address(bytes.fromhex(word.replace(":", ""))).hex(":")
        try:
            return str(ipaddress.ip_address(self.address(ipaddress.ip_address(word).packed)))
        except ValueError:
            return word

    def address(self, packed: bytes) -> bytes:
        """Return the pseudonym of an address of 4 (IPv4), 6 (MAC) or 16 (IPv6) bytes; of another length, zeros."""
        make = {4: self._v4, 6: self._mac, 16: self._v6}.get(len(packed))
        if make is None:
            return bytes(len(packed))
        if packed not in self._given:
            self._given[packed] = make(packed)
        return self._given[packed]

    def _v4(self, packed: bytes) -> bytes:
        address = ipaddress.IPv4Address(packed)
        if address.is_multicast or address.is_loopback or address.is_unspecified or packed == b"\xff" * 4:
            return packed
        return (_V4_BASE + self._next(4)).to_bytes(4)

    def _v6(self, packed: bytes) -> bytes:
        address = ipaddress.IPv6Address(packed)
        if address in _SOLICITED:
            return packed[:13] + bytes(3)
        if mapped := address.ipv4_mapped:
            return packed[:12] + self.address(mapped.packed)
        if address.is_multicast or address.is_loopback or address.is_unspecified:
            return packed
        return ((_LINK_LOCAL if address.is_link_local else _V6_BASE) + self._next(16)).to_bytes(16)

    def _mac(self, packed: bytes) -> bytes:
        if packed[:3] == _SOLICITED_MAC:
            return packed[:3] + bytes(3)
        if packed[0] & _GROUP or not any(packed):
            return packed
        return (_MAC_BASE + self._next(6)).to_bytes(6)

    def _next(self, length: int) -> int:
        return sum(len(known) == length for known in self._given) + 1
