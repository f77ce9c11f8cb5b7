"""The ethtool collector."""

import struct

import pytest

from dropwatchd.collectors import AbsentError, ethtool
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey
from tests.fixtures.namespace import Namespace

DEVICE = CounterKey("ethtool", "", 7, 2, "eth0")
NAMES = ("rx_packets", "rx_missed_errors", "rx_no_buffer_count", "tx_fifo_errors", "rx_out_of_buffer", "tx_kicks")


def answers(number: int) -> tuple[bytes, bytes]:
    """Return struct ethtool_gstrings of all names, and struct ethtool_stats of `number` values."""
    names = b"".join(name.encode().ljust(32, b"\0") for name in NAMES)
    values = struct.pack(f"={number}Q", *range(10, 10 + number))
    return struct.pack("=III", 0x1B, 1, len(NAMES)) + names, struct.pack("=II", 0x1D, number) + values


def test_what_tells_of_a_loss_is_kept() -> None:
    """Of a driver's many names, those of drops, errors and missing room are counters of the device."""
    found = list(ethtool.parse(DEVICE, "e1000e", *answers(len(NAMES))))
    assert {reading.key.name: reading.value for reading in found} == {
        "rx_missed_errors": 11, "rx_no_buffer_count": 12, "tx_fifo_errors": 13, "rx_out_of_buffer": 14,
    }
    assert {reading.key.labels for reading in found} == {(("driver", "e1000e"),)}
    assert {reading.key.ifindex for reading in found} == {2}


@pytest.mark.parametrize("name", [
    "rx_discards_phy", "rx_crc_errors", "port.rx_dropped", "rx_queue_0_drops", "rx0_xdp_drops", "rx_buff_alloc_err",
    "outbound_pci_buffer_overflow", "rx_over_errors", "tx_timeout_count", "rx_no_dma_resources", "rx_fw_discards",
    "rx_wqe_err", "tx_queue_dropped", "rx_mbuf_lack", "os2bmc_tx_lost", "tx_aborted_errors", "rx_jabber",
    "conntrack_allowance_exceeded", "rx_pause_ctrl_phy", "rx_undersize_pkts_phy", "tx_abort_late_coll",
])
def test_names_of_drivers(name: str) -> None:
    """Names that drivers have for losses are known by a part of them."""
    names = struct.pack("=III", 0x1B, 1, 1) + name.encode().ljust(32, b"\0")
    values = struct.pack("=IIQ", 0x1D, 1, 5)
    assert [reading.key.name for reading in ethtool.parse(DEVICE, "x", names, values)] == [name]


def test_queues_changed_meanwhile() -> None:
    """Names and values that do not belong together are no reading."""
    assert list(ethtool.parse(DEVICE, "x", *answers(len(NAMES) - 1))) == []


@pytest.mark.kernel
def test_veth() -> None:
    """A veth device counts drops of its queues, under its interface; loopback has no such statistics."""
    with Namespace() as namespace:
        with pytest.raises(AbsentError):
            namespace.run(lambda: ethtool.collect(Host()))
        namespace.command("ip link add left type veth peer name right")
        found = namespace.run(lambda: list(ethtool.collect(Host())))
    assert {(reading.key.interface, reading.key.labels) for reading in found} == {
        ("left", (("driver", "veth"),)), ("right", (("driver", "veth"),)),
    }
    assert "rx_queue_0_drops" in {reading.key.name for reading in found}


def test_queues_whose_counters_have_one_name() -> None:
    """vmxnet3 gives each queue's counters the same names: they are told apart, or one would pass for the other."""
    names = (b"Rx Queue#", b"  pkts rx OOB", b"Rx Queue#", b"  pkts rx OOB", b"tx timeout count")
    strings = struct.pack("=III", 0x1B, 1, 5) + b"".join(name.ljust(32, b"\0") for name in names)
    found = list(ethtool.parse(DEVICE, "vmxnet3", strings, struct.pack("=II5Q", 0x1D, 5, 0, 7, 1, 9, 2)))
    assert [(reading.key.name, dict(reading.key.labels).get("queue"), reading.value) for reading in found] == [
        ("pkts rx OOB", "0", 7), ("pkts rx OOB", "1", 9), ("tx timeout count", None, 2),
    ]


@pytest.mark.parametrize("name", [
    "rx_packets", "rx_discard_bytes_cos0", "rx_pause_duration", "unmask_interrupt", "rx_pp_recycle_cache_full",
    "tx_deferred_ok", "rx_csum_none", "conntrack_allowance_available",
])
def test_what_tells_of_no_loss_is_left_out(name: str) -> None:
    """Ordinary traffic, bytes, times and levels are not recorded."""
    assert not ethtool.tells_of_loss(name)
