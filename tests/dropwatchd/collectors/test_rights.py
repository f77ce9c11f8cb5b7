"""What collectors say without rights: what the host does not use is absent, what it uses is a failure."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, _modules, collectors, nfqueue
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import NETFILTER, Netlink
from tests import fixtures
from tests.fixtures.namespace import Namespace

_NOBODY = 65534
Outcome = dict[str, str]


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


@pytest.fixture
def unprivileged() -> Iterator[Callable[[Callable[[], Outcome]], Outcome]]:
    """Run a function in a new namespace, as a user without any capability."""
    with Namespace() as namespace:
        def run(function: Callable[[], Outcome]) -> Outcome:
            def there() -> Outcome:
                with ProcessPoolExecutor(1, get_context("fork"), _become_nobody) as pool:
                    return pool.submit(function).result()
            return namespace.run(there)
        collectors()  # imported while the files may be read
        yield run


def _outcomes() -> Outcome:
    return {name: _outcome(name) for name in collectors()}


def _outcome(name: str) -> str:
    try:
        list(collectors()[name](Host()))
    except AbsentError:
        return "absent"
    except Exception as error:  # noqa: BLE001 - each collector is on trial
        return type(error).__name__
    return "read"


@pytest.mark.kernel
def test_rounds_without_rights(unprivileged: Callable[[Callable[[], Outcome]], Outcome]) -> None:
    """Nothing fails for what is not used; the only thing that nobody may ask is whether nftables has rules."""
    found = unprivileged(_outcomes)
    failed = {name: outcome for name, outcome in found.items() if outcome not in {"read", "absent"}}
    assert failed.keys() <= {"nftables"}
    assert found["iptables"] == "absent" or _modules._loaded(Host())
    assert found["nfqueue"] in {"read", "absent"}


def _bound() -> Outcome:
    (reading,) = nfqueue.collect(Host())
    return {reading.key.name: str(reading.value)}


def _with_a_socket() -> Outcome:
    with Netlink(NETFILTER), pytest.raises(PermissionError):
        nfqueue.collect(Host())
    return {}


@pytest.mark.kernel
@pytest.mark.skipif(not Path("/proc/net/netfilter/nfnetlink_queue").exists(), reason="needs nfnetlink_queue")
def test_queues_without_rights(unprivileged: Callable[[Callable[[], Outcome]], Outcome]) -> None:
    """Where no program has a netfilter socket, there is no queue; where one has, nothing is claimed."""
    assert unprivileged(_bound) == {"bound": "0"}
    assert unprivileged(_with_a_socket) == {}


def _refused(host: Host, programs: tuple[str, ...]) -> None:
    with _modules.if_used(host, ("iptable_filter",), programs):
        raise PermissionError


def test_modules_tell_what_is_used(tmp_path: Path) -> None:
    """A table's module is loaded when somebody uses it; a kernel with modules that has it not, uses it not."""
    host = Host(proc=tmp_path, netns=fixtures.NETNS)
    (tmp_path / "modules").write_text("iptable_filter 16384 0 - Live 0x0\n")
    with pytest.raises(PermissionError):
        _refused(host, ())
    (tmp_path / "modules").write_text("veth 40960 0 - Live 0x0\n")
    with pytest.raises(AbsentError, match="iptable_filter"):
        _refused(host, ("ls",))


def test_programs_tell_what_is_used_of_a_kernel_without_modules(tmp_path: Path) -> None:
    """What is built in is used where a program for it is; a name that leads to another program does not count."""
    host = Host(proc=tmp_path, netns=fixtures.NETNS)
    with pytest.raises(PermissionError):
        _refused(host, ("ls",))
    for programs in (("no-such-program",), ("ls -> no-such-program",)):
        with pytest.raises(AbsentError, match="no-such-program"):
            _refused(host, programs)


def test_sockets_of_the_kernel_bind_no_queue() -> None:
    """The port of a program's socket is not 0."""
    text = "sk Eth Pid Groups\n0000 12 0 00000000\n0000 0 712 00000000\n"
    assert not nfqueue._has_socket(text)
    assert nfqueue._has_socket(text + "0000 12 712 00000000\n")
