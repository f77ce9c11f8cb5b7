"""Where BPF cannot run, the thing that is missing is named, and what to do about it."""

import errno
import os
import subprocess
import sys

import pytest

from dropwatchd.sources.bpf.refusal import explained, refusal

_OPEN = """
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.bpf import BpfSource
try:
    BpfSource().open()
except UnavailableError as error:
    print(error)
"""


@pytest.mark.parametrize(("number", "lacking", "locked", "btf", "missing", "remedy"), [
    (errno.EPERM, ["CAP_BPF"], "none", True, "CAP_BPF missing", "CAP_PERFMON"),
    (errno.EACCES, ["CAP_BPF", "CAP_PERFMON"], "confidentiality", True, "CAP_BPF and CAP_PERFMON missing", "unit"),
    (errno.EINVAL, [], "confidentiality", True, "locked down to confidentiality", "lockdown=integrity"),
    (errno.EPERM, [], "integrity", True, "by a filter", "SystemCallFilter="),
    (errno.ESRCH, [], "none", False, "no BTF", "CONFIG_DEBUG_INFO_BTF"),
    (errno.E2BIG, [], "none", True, os.strerror(errno.E2BIG), "net_dm"),
])
def test_the_thing_is_named(number: int, lacking: list[str], locked: str, missing: str, remedy: str,
                            *, btf: bool) -> None:
    """Rights, lockdown, filters and types are told apart, each with what a person or a unit can do."""
    said = explained(OSError(number, os.strerror(number)), lacking, locked, btf=btf)
    assert missing in said.missing
    assert remedy in said.remedy


def test_no_library() -> None:
    """What the dynamic loader says has no errno."""
    assert "libbpf1" in refusal(OSError("libbpf.so.1: cannot open shared object file")).remedy


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
def test_without_rights_on_this_kernel() -> None:
    """A process without capabilities hears which ones BPF takes."""
    done = subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", _OPEN],
                          capture_output=True, text=True, check=True)
    assert "CAP_BPF and CAP_PERFMON missing" in done.stdout


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
def test_with_the_rights_of_the_unit_alone() -> None:
    """Two capabilities are enough, whatever types this kernel lacks."""
    rights = "-all,+bpf,+perfmon"
    done = subprocess.run(["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", sys.executable, "-c", _OPEN],
                          capture_output=True, text=True, check=True)
    assert done.stdout == ""
