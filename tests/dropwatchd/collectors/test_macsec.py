"""The macsec collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, macsec
from dropwatchd.kernel.host import Host
from tests import fixtures


@pytest.mark.skipif(Path("/sys/module/macsec").exists(), reason="MACsec is loaded here")
def test_not_loaded() -> None:
    """Without the module there is no such family, and asking loads nothing."""
    with pytest.raises(AbsentError, match="macsec"):
        macsec.collect(Host())
    assert not Path("/sys/module/macsec").exists()


def test_device_that_went_in_between() -> None:
    """A device that has no name any more is left out."""
    assert list(macsec.parse(fixtures.messages("made", "macsec"), {}, netns=None)) == []
