"""The sockstat collector."""

from pathlib import Path

from dropwatchd.collectors import sockstat
from dropwatchd.kernel.host import Host
from tests import fixtures


def test_only_what_drops_packets_at_its_limit(tmp_path: Path) -> None:
    """Memory and orphans are gauges, of the whole host where sockets hold it. IPv6 may be absent."""
    folder = tmp_path / "thread-self" / "net"
    folder.mkdir(parents=True)
    (folder / "sockstat").write_text(
        "TCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\nUDP: inuse 6 mem 7\nFRAG: inuse 8 memory 9\n",
    )
    readings = list(sockstat.collect(Host(proc=tmp_path, netns=1)))
    assert {reading.key.name for reading in readings if reading.key.netns} == {"FRAGinuse", "FRAGmemory"}
    assert fixtures.describe(readings).splitlines() == [
        "TCPorphan 2 gauge", "TCPmem 5 gauge", "UDPmem 7 gauge", "FRAGinuse 8 gauge", "FRAGmemory 9 gauge", "zero: 0",
    ]
