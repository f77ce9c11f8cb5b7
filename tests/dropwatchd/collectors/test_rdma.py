"""The rdma collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, rdma
from dropwatchd.kernel.host import Host
from tests import fixtures


def test_no_device(tmp_path: Path) -> None:
    """Most hosts have none."""
    with pytest.raises(AbsentError, match="RDMA"):
        rdma.collect(Host(sys=tmp_path, netns=fixtures.NETNS))


def test_ports_are_of_the_host() -> None:
    """A port is in no namespace; what it does not count, and ordinary traffic, are left out."""
    found = list(fixtures.readings("made", "rdma"))
    assert {reading.key.netns for reading in found} == {None}
    assert not {"port_rcv_data", "lifespan", "excessive_buffer_overrun_errors"} & {row.key.name for row in found}
