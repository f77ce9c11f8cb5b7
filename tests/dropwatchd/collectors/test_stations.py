"""The stations collector."""

import struct

import pytest

from dropwatchd.collectors import AbsentError, stations
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, packed
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_wireless_devices_are_told_by_name() -> None:
    """NL80211_CMD_NEW_INTERFACE of an access point, and of a device for peers that is none of the network's."""
    access_point = packed(3, struct.pack("=I", 5)) + packed(4, b"wlan0\0") + packed(5, struct.pack("=I", 3))
    messages = [Message(28, struct.pack("=BBH", 7, 1, 0) + body) for body in (access_point, packed(5, bytes(4)))]
    assert list(stations.parse_devices(messages)) == [(5, "wlan0")]


def test_stations_are_bounded() -> None:
    """A device that tells of very many has some of them on record."""
    many = fixtures.messages("made", "stations") * 200
    assert len(list(stations.parse(many, 2, "wlan0", None))) == stations._MOST // 2 * 5


@pytest.mark.kernel
def test_no_wireless_device() -> None:
    """Neither is a host without the family at fault, nor one without such a device."""
    with Namespace() as namespace, pytest.raises(AbsentError, match=r"nl80211|wireless"):
        namespace.run(lambda: stations.collect(Host()))
