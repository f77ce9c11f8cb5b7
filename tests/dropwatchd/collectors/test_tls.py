"""The tls collector."""

from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, tls
from dropwatchd.kernel.host import Host
from tests import fixtures


def test_levels_and_counters() -> None:
    """How many sessions there are rises and falls; how many there have been does not."""
    text = f"{'TlsCurrTxSw':<32}\t2\n{'TlsTxSw':<32}\t9\n"
    assert {reading.key.name: reading.bits for reading in tls.parse(text, fixtures.NETNS)} == {
        "TlsCurrTxSw": 0, "TlsTxSw": 64,
    }


def test_module_not_loaded(tmp_path: Path) -> None:
    """The file comes with the module."""
    with pytest.raises(AbsentError, match="tls_stat"):
        tls.collect(Host(proc=tmp_path, netns=fixtures.NETNS))
