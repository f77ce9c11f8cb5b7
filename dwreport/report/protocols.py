"""Of which protocols a counter counts alone: by its name, its table, or the addresses of its socket or peer."""

import json
from ipaddress import IPv6Address, ip_address

from dropwatchd.history.read.reader import CounterTotal

_V4, _V6 = frozenset({"ipv4"}), frozenset({"ipv6"})
_ANY: frozenset[str] = frozenset()
# ip-neighbour(8): the table arp has the neighbours of IPv4. Families are those of nft(8) and of iptables.
_TABLES = {"arp": frozenset({"arp", "ipv4"}), "ndisc": _V6}
_FAMILIES = {"ip": _V4, "ip6": _V6, "arp": frozenset({"arp"})}
_ENDS = ("local", "peer")


def protocols(total: CounterTotal) -> frozenset[str]:
    """Return these by their names, none where it counts of any (RFC 4293, RFC 4113)."""
    if total.collector == "snmp6":
        return _V6
    if total.name.startswith("IpExt") or (total.collector == "snmp" and not total.name.startswith("Tcp")):
        return _V4
    if total.labels == "{}":
        return _ANY
    labels: dict[str, str] = json.loads(total.labels)
    if total.collector == "neighbour":
        return _TABLES.get(labels.get("table", ""), _ANY)
    told = [_of_end(labels[name]) for name in _ENDS if labels.get(name)]
    return _FAMILIES.get(labels.get("family", ""), next((one for one in told if one), _ANY))


def _of_end(text: str) -> frozenset[str]:
    """Return that of an address, with a port or without: a socket of all addresses of IPv6 takes IPv4 as well."""
    bare = text.rpartition(":")[0].strip("[]") if text.startswith("[") or text.count(":") == 1 else text
    try:
        address = ip_address(bare)
    except ValueError:
        return _ANY
    if not isinstance(address, IPv6Address):
        return _V4
    return _ANY if address.is_unspecified else _V4 if address.ipv4_mapped else _V6
