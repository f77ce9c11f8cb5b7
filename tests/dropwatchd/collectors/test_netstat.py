"""The netstat collector."""

import pytest

from dropwatchd.collectors import netstat
from tests import fixtures


@pytest.mark.parametrize("kernel", fixtures.KERNELS)
def test_recorded(kernel: str) -> None:
    """TcpExt, IpExt and MPTcpExt are read, named as nstat names them."""
    readings = list(netstat.collect(fixtures.host(kernel)))
    assert fixtures.describe(readings) == fixtures.expected(kernel, "netstat")
    names = {reading.key.name for reading in readings}
    assert {"TcpExtListenOverflows", "IpExtInNoRoutes", "MPTcpExtMPJoinNoTokenFound"} <= names


def test_established_connections_are_a_gauge() -> None:
    """MPTCP's number of connections falls again, so it is no counter."""
    gauge, counter = netstat.parse("MPTcpExt: MPCurrEstab MPFailTx\nMPTcpExt: 3 4\n", netns=None)
    assert (gauge.bits, counter.bits) == (0, 64)
