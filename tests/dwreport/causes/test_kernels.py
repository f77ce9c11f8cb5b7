"""Nothing that a kernel calls by a name is without an explanation.

The lists were taken from the kernels' sources (6.1, 6.12) and from a running one (6.18), with the reasons of mac80211
and openvswitch; those of 7.0 to 7.2 from include/net/dropreason-core.h and dropreason-qdisc.h alone.
"""

from pathlib import Path

import pytest

from dropwatchd.kernel.btf import kernel_btf
from dwreport import causes
from tests.fixtures import readings, recorded

HERE = Path(__file__).parent
NAMED = ("6.1", "6.12", "6.18", "7.0", "7.1", "7.2")
KERNELS = ("6.1", "6.12", "6.18")
BTF = Path("/sys/kernel/btf/vmlinux")
PROC_NET = Path("/proc/net")
FRAME = {"SKB_DROP_REASON_MAX", "SKB_DROP_REASON_SUBSYS_MASK", "QDISC_DROP_UNSPEC"}  # nothing is dropped for these


@pytest.mark.parametrize("kernel", NAMED)
def test_every_drop_reason_of_a_kernel_is_explained(kernel: str) -> None:
    names = (HERE / f"reasons-{kernel}.txt").read_text().split()
    assert [name for name in names if causes.reason(name) is None] == []


def test_no_reason_is_said_to_be_newer_than_a_kernel_that_has_it() -> None:
    for kernel in NAMED:
        for name in (HERE / f"reasons-{kernel}.txt").read_text().split():
            reason = causes.reason(name)
            assert reason is not None
            assert reason.since is None or _version(reason.since) <= _version(kernel), name


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.split("."))


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_counter_of_a_kernel_is_explained(kernel: str) -> None:
    pairs = [line.split() for line in (HERE / f"counters-{kernel}.txt").read_text().splitlines()]
    assert [name for collector, name in pairs if causes.counter(collector, name) is None] == []


@pytest.mark.parametrize(("kernel", "collector"), recorded())
def test_every_counter_that_was_recorded_is_explained(kernel: str, collector: str) -> None:
    """Those of link, bridge, qdisc and others stand in no file of the kernel's."""
    names = {reading.key.name for reading in readings(kernel, collector)}
    assert [name for name in sorted(names) if causes.counter(collector, name) is None] == []


@pytest.mark.skipif(not BTF.exists(), reason="this kernel has no BTF")
def test_every_drop_reason_of_the_running_kernel_is_explained() -> None:
    with kernel_btf() as btf:
        names = {
            name for enum in ("skb_drop_reason", "qdisc_drop_reason", "mac80211_drop_reason", "ovs_drop_reason")
            for name in btf.enum(enum).values()
            if not name.startswith("__") and not name.endswith("_DROP_MAX")
        }
    assert [name for name in sorted(names - FRAME) if causes.reason(name) is None] == []


@pytest.mark.parametrize("file", ["snmp", "netstat"])
def test_every_counter_of_the_running_kernel_is_explained(file: str) -> None:
    lines = [line.partition(":") for line in (PROC_NET / file).read_text().splitlines()]
    names = [
        prefix + field for prefix, _, rest in lines for field in rest.split() if field.isidentifier()
    ]
    assert [name for name in names if causes.counter(file, name) is None] == []


@pytest.mark.skipif(not (PROC_NET / "snmp6").exists(), reason="this kernel has no IPv6")
def test_every_ipv6_counter_of_the_running_kernel_is_explained() -> None:
    names = [line.split()[0] for line in (PROC_NET / "snmp6").read_text().splitlines()]
    assert [name for name in names if causes.counter("snmp6", name) is None] == []
