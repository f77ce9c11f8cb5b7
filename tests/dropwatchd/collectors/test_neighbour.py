"""The neighbour collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, neighbour
from dropwatchd.kernel.host import Host
from tests import fixtures

TEXT = """entries  allocs   destroys hash_grows lookups  hits     res_failed unresolved_discards table_fulls
00000003 00000001 00000000 00000000   00000000 00000000 00000002 0000000f 00000001
00000003 00000002 00000000 00000000   00000000 00000000 00000003 00000010 00000000
"""


def test_cpus_are_added_up() -> None:
    """Counters are the sum over CPUs; entries are the table's own in each line. A column may not exist yet."""
    assert fixtures.describe(neighbour.parse("arp", TEXT)).splitlines() == [
        "table=arp entries 3 gauge",
        "table=arp allocs 3",
        "table=arp res_failed 5",
        "table=arp unresolved_discards 31",
        "table=arp table_fulls 1",
        "zero: 1",
    ]


def test_other_namespace(tmp_path: Path) -> None:
    """Namespaces but the initial one do not have the files."""
    with pytest.raises(AbsentError, match="initial"):
        neighbour.collect(Host(proc=tmp_path, netns=1))
