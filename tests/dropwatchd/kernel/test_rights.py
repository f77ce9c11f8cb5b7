"""Capabilities and lockdown, from recorded files and from this process."""

import os
from pathlib import Path

import pytest

from dropwatchd.kernel.rights import Capability, lockdown, missing

BOTH = (Capability.CAP_BPF, Capability.CAP_PERFMON)


@pytest.mark.parametrize(("effective", "lacking"), [
    (0, ["CAP_BPF", "CAP_PERFMON"]), (1 << 39, ["CAP_PERFMON"]), (1 << 39 | 1 << 38, []), (1 << 21, []),
    (1 << 12, ["CAP_BPF", "CAP_PERFMON"]),
])
def test_missing_capabilities(effective: int, lacking: list[str], tmp_path: Path) -> None:
    """What is not in force is named; CAP_SYS_ADMIN stands for both of BPF's."""
    status = tmp_path / "status"
    status.write_text(f"Name:\tdropwatchd\nCapPrm:\t{1 << 40:016x}\nCapEff:\t{effective:016x}\n")
    assert missing(*BOTH, status=status) == lacking


@pytest.mark.skipif(os.geteuid() != 0, reason="root has all capabilities")
def test_root_lacks_nothing() -> None:
    """The file of the running kernel is read right."""
    assert missing(*Capability) == []


@pytest.mark.parametrize(("text", "level"), [
    ("[none] integrity confidentiality\n", "none"), ("none [integrity] confidentiality\n", "integrity"),
    ("none integrity [confidentiality]\n", "confidentiality"), ("", "none"),
])
def test_lockdown(text: str, level: str, tmp_path: Path) -> None:
    """The level in brackets is in force; a kernel without that file is not locked."""
    assert lockdown(tmp_path) == "none"
    (tmp_path / "lockdown").write_text(text)
    assert lockdown(tmp_path) == level
