"""The netstat collector."""

from dropwatchd.collectors import netstat
from tests import fixtures


def test_three_protocols() -> None:
    """TcpExt, IpExt and MPTcpExt are read, named as nstat names them."""
    names = {reading.key.name for reading in netstat.collect(fixtures.host("6.18"))}
    assert {"TcpExtListenOverflows", "IpExtInNoRoutes", "MPTcpExtMPJoinNoTokenFound"} <= names


def test_established_connections_are_a_gauge() -> None:
    """MPTCP's number of connections falls again, so it is no counter."""
    gauge, counter = netstat.parse("MPTcpExt: MPCurrEstab MPFailTx\nMPTcpExt: 3 4\n", netns=None)
    assert (gauge.bits, counter.bits) == (0, 64)
