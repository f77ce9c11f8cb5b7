"""Why BPF cannot run here, in words: the thing that is missing, and what to do about it."""

import errno
from pathlib import Path

from dropwatchd.kernel.rights import Capability, lockdown, missing
from dropwatchd.sources import UnavailableError

_NO_RIGHT = (errno.EPERM, errno.EACCES)
_BTF = Path("/sys/kernel/btf/vmlinux")
_ELSE = "use --source net_dm"
_UNIT = "run as root, or give the service CAP_BPF and CAP_PERFMON, as the shipped unit does"
_FILTER = f"let SystemCallFilter= of the service allow bpf, or {_ELSE}"


def refusal(error: OSError) -> UnavailableError:
    """Say what stands in the way, from the errno that the kernel or the loader gave."""
    if error.errno is None:
        return UnavailableError(f"libbpf.so.1 cannot be loaded ({error})", "install it: apt install libbpf1")
    return explained(error, missing(Capability.CAP_BPF, Capability.CAP_PERFMON), lockdown(), btf=_BTF.exists())


def explained(error: OSError, lacking: list[str], locked: str, *, btf: bool) -> UnavailableError:
    """Name the first thing that is not as it must be; the errno alone says little, EINVAL under lockdown for one."""
    if error.errno in _NO_RIGHT and lacking:
        return UnavailableError(f"no right to load BPF programs: {' and '.join(lacking)} missing", _UNIT)
    if locked == "confidentiality":
        return UnavailableError("the kernel is locked down to confidentiality: BPF may not read its memory",
                                f"boot with lockdown=integrity or none, or {_ELSE}")
    if not btf:
        return UnavailableError("this kernel has no BTF (/sys/kernel/btf/vmlinux)",
                                f"use a kernel built with CONFIG_DEBUG_INFO_BTF, or {_ELSE}")
    if error.errno in _NO_RIGHT:
        return UnavailableError("BPF is refused though the capabilities are there, by a filter or a security module",
                                _FILTER)
    return UnavailableError(f"the kernel refused the BPF program ({error.strerror})", _ELSE)
