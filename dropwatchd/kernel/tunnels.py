"""The other end of a tunnel, as rtnetlink describes its device: the attributes are other ones for each kind."""

from collections.abc import Mapping
from ipaddress import ip_address

# kind -> attributes of IFLA_INFO_DATA that hold the address (include/uapi/linux/if_link.h and if_tunnel.h)
_IPTUN_REMOTE, _GRE_REMOTE, _VTI_REMOTE = (3,), (7,), (5,)
_REMOTE = {
    "vxlan": (2, 16),   # IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6: a group, or one other end
    "geneve": (2, 7),   # IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6
    **dict.fromkeys(("ipip", "sit", "ip6tnl"), _IPTUN_REMOTE),
    **dict.fromkeys(("gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan"), _GRE_REMOTE),
    **dict.fromkeys(("vti", "vti6"), _VTI_REMOTE),
}
_ADDRESS_BYTES = (4, 16)


def remote(kind: str, data: Mapping[int, bytes]) -> str | None:
    """Return the address of a tunnel's other end; None where it has many, or takes it from a table or each packet."""
    for attribute in _REMOTE.get(kind, ()):
        packed = data.get(attribute, b"")
        if len(packed) in _ADDRESS_BYTES and any(packed):
            return str(ip_address(packed))
    return None
