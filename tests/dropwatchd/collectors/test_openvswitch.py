"""The openvswitch collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, openvswitch
from dropwatchd.kernel.host import Host
from tests import fixtures


@pytest.mark.skipif(Path("/sys/module/openvswitch").exists(), reason="Open vSwitch is loaded here")
def test_not_loaded() -> None:
    """Without the module there is no such family, and asking loads nothing."""
    with pytest.raises(AbsentError, match="ovs_datapath"):
        openvswitch.collect(Host())
    assert not Path("/sys/module/openvswitch").exists()


def test_flows_are_a_level() -> None:
    """Flows come and go; packets only come."""
    assert {reading.key.name for reading in fixtures.readings("made", "openvswitch") if not reading.bits} == {"flows"}
