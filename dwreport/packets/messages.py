"""Which of the freed buffers are packets at all: netlink, UNIX and vsock messages have never been on a wire."""

import re

from dropwatchd.model import DropKey

# Functions that free messages between programs, or between them and the kernel (net/netlink, net/unix, net/vmw_vsock).
_FUNCTIONS = re.compile(
    r"_*(do_one_broadcast|manage_oob|(netlink|nlmsg|genl|genlmsg|rtnl|rtnetlink|nfnetlink|uevent|kobject_uevent|kauditd"
    r"|audit|unix|vsock|virtio_transport|virtio_vsock|vhost_vsock|vmci_transport|hvs)_\w+)(\.\w+)*")
_REASONS = re.compile(r"(UNIX|NETLINK|VSOCK)_\w+|netlink_socket_full")
_MODULES = {"af_netlink", "unix", "vsock", "vsock_loopback", "vmw_vsock_virtio_transport", "vhost_vsock", "hv_sock",
            "vmw_vsock_virtio_transport_common", "vmw_vsock_vmci_transport"}
_LOWEST_ETHERTYPE = 0x0600  # IEEE 802.3: below, it is a length; a netlink message has its family's number there


def is_message(key: DropKey) -> bool:
    """Say whether the drops of a key are messages, which have no addresses of a network."""
    location, kind, _interface = key
    if (_FUNCTIONS.fullmatch(location.symbol or "") or _REASONS.fullmatch(kind.reason or "")
            or location.module in _MODULES):
        return True
    return _is_on_no_device(key) and kind.protocol is not None and kind.protocol < _LOWEST_ETHERTYPE


def has_link_header(key: DropKey) -> bool:
    """Say whether bytes of such a drop may begin with a link header: of no device and no protocol, nothing says so."""
    return not is_message(key) and not (_is_on_no_device(key) and key.kind.protocol is None)


def _is_on_no_device(key: DropKey) -> bool:
    return key.interface.ifindex is None and key.interface.name is None
