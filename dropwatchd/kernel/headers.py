"""Pure: how many of a packet's first bytes are headers, so that samples need not hold what applications said."""

from collections.abc import Callable

_MOST = 512                           # bytes looked at: however deep tunnels lie in tunnels, the search ends
_ETHERNET, _TAG = 14, 4
_TAGS = {0x8100, 0x88A8, 0x9100}      # VLAN and QinQ
_ARP, _IPV4, _IPV6, _BRIDGED = 0x0806, 0x0800, 0x86DD, 0x6558  # the last is Ethernet in GRE
_IPV6_FRAGMENT, _AH = 44, 51
_IPV6_EXTENSIONS = {0, 43, 60, 135}   # hop-by-hop, routing, destination options, mobility: RFC 8200 section 4
_TCP, _UDP = 6, 17
_VXLAN_PORT, _VXLAN_FLAG = 4789, 0x08  # RFC 7348: without the flag it is something else
# Protocols whose header is always that long: IGMP, DCCP, ESP (two numbers, the rest is secret), OSPF, PIM, VRRP, L2TP,
# SCTP, UDP-Lite
_FIXED = {2: 8, 33: 12, 50: 8, 89: 24, 103: 4, 112: 8, 115: 4, 132: 12, 136: 8}
_ICMP_ERRORS, _ICMPV6_ERRORS = {3, 4, 5, 11, 12}, {1, 2, 3, 4}  # these quote the packet that they are about
# Multicast listeners, router and neighbour discovery: their addresses, without options
_ICMPV6_BODIES = {130: 24, 131: 24, 132: 24, 134: 16, 135: 24, 136: 24, 137: 40}
_ICMP = 8


def without_payload(data: bytes, protocol: int | None, *, link_header: bool, payload_bytes: int) -> bytes:
    """Return the headers of a packet, as far as `data` has them, and at most so many bytes of what is behind them.

    `protocol` is the ethertype where no link header says it. Of what is not understood nothing counts as a header: data
    of local sockets, which are packets to the kernel as well, has none.
    """
    first = data[:_MOST]
    end = _frame(first, 0) if link_header else _network(first, 0, protocol or 0)
    return data[:end + payload_bytes]


def _frame(data: bytes, at: int) -> int:
    end = at + _ETHERNET
    while _number(data, end - 2) in _TAGS:
        end += _TAG
    return _network(data, end, _number(data, end - 2))


def _network(data: bytes, at: int, protocol: int) -> int:
    """Each function here returns where the headers end that begin at `at`; it may lie beyond the data."""
    parse = _NETWORK.get(protocol)
    return parse(data, at) if parse and at < len(data) else at


def _arp(data: bytes, at: int) -> int:
    return at + 8 + 2 * (_byte(data, at + 4) + _byte(data, at + 5))


def _ipv4(data: bytes, at: int) -> int:
    if data[at] >> 4 != 4:
        return at
    end = at + max((data[at] & 0xF) * 4, 20)
    is_later_fragment = _number(data, at + 6) & 0x1FFF
    return end if is_later_fragment else _transport(data, end, _byte(data, at + 9))


def _ipv6(data: bytes, at: int) -> int:
    if data[at] >> 4 != 6:
        return at
    number, end = _byte(data, at + 6), at + 40
    while end < len(data):
        if number == _IPV6_FRAGMENT:
            if _number(data, end + 2) & 0xFFF8:
                return end + 8
            step = 8
        elif number in _IPV6_EXTENSIONS:
            step = (_byte(data, end + 1) + 1) * 8
        else:
            return _transport(data, end, number)
        number, end = data[end], end + step
    return end


def _transport(data: bytes, at: int, number: int) -> int:
    parse = _TRANSPORT.get(number)
    return parse(data, at) if parse and at < len(data) else at + _FIXED.get(number, 0)


def _tcp(data: bytes, at: int) -> int:
    return at + max((_byte(data, at + 12) >> 4) * 4, 20)


def _udp(data: bytes, at: int) -> int:
    if _number(data, at + 2) == _VXLAN_PORT and _byte(data, at + 8) == _VXLAN_FLAG:
        return _frame(data, at + 16)
    return at + 8


def _icmp(data: bytes, at: int) -> int:
    return _network(data, at + _ICMP, _IPV4) if data[at] in _ICMP_ERRORS else at + _ICMP


def _icmpv6(data: bytes, at: int) -> int:
    if data[at] in _ICMPV6_ERRORS:
        return _network(data, at + _ICMP, _IPV6)
    return at + _ICMPV6_BODIES.get(data[at], _ICMP)


def _gre(data: bytes, at: int) -> int:
    """Checksum, key and sequence number are there by their flags (RFC 2784, RFC 2890)."""
    flags = data[at]
    end = at + 4 + 4 * (flags >> 7 & 1) + 4 * (flags >> 5 & 1) + 4 * (flags >> 4 & 1)
    return _network(data, end, _number(data, at + 2))


def _ah(data: bytes, at: int) -> int:
    return _transport(data, at + (_byte(data, at + 1) + 2) * 4, data[at])


def _byte(data: bytes, at: int) -> int:
    return data[at] if at < len(data) else 0


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at:at + 2])


_Parse = Callable[[bytes, int], int]
_NETWORK: dict[int, _Parse] = {_ARP: _arp, _IPV4: _ipv4, _IPV6: _ipv6, _BRIDGED: _frame}
_TRANSPORT: dict[int, _Parse] = {1: _icmp, 4: _ipv4, _TCP: _tcp, _UDP: _udp, 41: _ipv6, 47: _gre, _AH: _ah, 58: _icmpv6}
