"""The collector of how devices are set."""

import pytest

from dropwatchd.collectors import device
from dropwatchd.kernel import tunnels
from dropwatchd.kernel.host import Host
from tests.fixtures.namespace import Namespace

V4, V6 = bytes([192, 0, 2, 9]), bytes.fromhex("20010db8000000000000000000000009")


@pytest.mark.parametrize(("kind", "data", "address"), [
    ("vxlan", {2: V4, 4: b"else"}, "192.0.2.9"), ("vxlan", {16: V6}, "2001:db8::9"),
    ("vxlan", {2: bytes(4), 16: V6}, "2001:db8::9"), ("vxlan", {}, None),
    ("geneve", {2: V4}, "192.0.2.9"), ("geneve", {7: V6}, "2001:db8::9"),
    ("ipip", {2: b"mine", 3: V4}, "192.0.2.9"), ("sit", {3: V4}, "192.0.2.9"), ("ip6tnl", {3: V6}, "2001:db8::9"),
    ("gre", {6: b"mine", 7: V4}, "192.0.2.9"), ("gretap", {7: V4}, "192.0.2.9"), ("ip6gre", {7: V6}, "2001:db8::9"),
    ("vti", {4: b"mine", 5: V4}, "192.0.2.9"), ("vti6", {5: V6}, "2001:db8::9"),
    ("gre", {7: bytes(4)}, None), ("gre", {7: b"cut"}, None), ("wireguard", {2: V4}, None), ("veth", {3: V4}, None),
])
def test_other_end_of_a_tunnel(kind: str, data: dict[int, bytes], address: str | None) -> None:
    """Each kind of tunnel has the address elsewhere; none, and one that is all zeros, is none."""
    assert tunnels.remote(kind, data) == address


def _settings() -> dict[tuple[str | None, str, tuple[tuple[str, str], ...]], int]:
    return {(row.key.interface, row.key.name, row.key.labels): row.value for row in device.collect(Host(netns=77))}


@pytest.mark.kernel
def test_settings_of_real_devices() -> None:
    """MTU and state are what `ip link set` made them; the other end that a tunnel had before is told as gone, once."""
    with Namespace() as namespace:
        namespace.command("ip link add wire type veth peer name far mtu 1280")
        namespace.command("ip link set wire up")
        namespace.command("ip link add vx0 type vxlan id 7 remote 192.0.2.9 dstport 4789")
        found = namespace.run(_settings)
        assert {key: found[key] for key in found if key[0] != "lo"} == {
            ("wire", "mtu", ()): 1500, ("wire", "up", ()): 1, ("far", "mtu", ()): 1280, ("far", "up", ()): 0,
            ("vx0", "mtu", ()): 1500, ("vx0", "up", ()): 0, ("vx0", "remote", (("address", "192.0.2.9"),)): 1}
        namespace.command("ip link set vx0 type vxlan remote 192.0.2.8")
        found = namespace.run(_settings)
        assert {key[2]: found[key] for key in found if key[1] == "remote"} == {
            (("address", "192.0.2.8"),): 1, (("address", "192.0.2.9"),): 0}
        assert {key[2] for key in namespace.run(_settings) if key[1] == "remote"} == {(("address", "192.0.2.8"),)}
