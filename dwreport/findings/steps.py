"""Next steps that run where the loss is: a device of the same name elsewhere is another one: pure."""

import shlex
from collections.abc import Iterable

from dropwatchd.model import Interface, Namespace
from dwreport.findings.support import Owner, Who
from dwreport.text import quoted

_ANYWHERE = {"auditctl", "ausearch", "dmesg", "dwreport", "free", "journalctl", "lspci", "tail"}  # not of a namespace
_JOINTS = {";", "&", "&&", "||", "(", "`"}  # of a line of which a word before it would be for the first command alone
_SYSFS = "/sys/"


def step(command: str | None, space: Namespace | None, who: Iterable[Who] = ()) -> str | None:
    """Return a command as it is to be typed on the host to run in a namespace; the initial one is where one types.

    `space` is None where it is not on record, `who` what is known of the programs in it. What is not known stands in
    capitals: PID.
    """
    if command is None or space is None or space.kind == "initial" or command.split(maxsplit=1)[0] in _ANYWHERE:
        return command
    if space.kind == "netns" and space.name:
        return f"ip netns exec {quoted(space.name)} {_one(command)}"
    entered = f"nsenter -t {_pid(space, who)} -n"
    if _SYSFS in command:  # which shows the devices of the namespace that mounted it
        return f"{entered} unshare -m sh -c {shlex.quote(f'mount -t sysfs sysfs /sys && {command}')}"
    return f"{entered} {_one(command)}"


def space_of(interface: Interface) -> Namespace | None:
    """Return the namespace of an interface, None where that is not on record."""
    number, _index, _name, name, inode, kind = interface
    return None if number is None else Namespace(number, inode, name, kind)


def _pid(space: Namespace, who: Iterable[Who]) -> str:
    """Return a process of a namespace: one on record, else the first that lsns(8) finds there."""
    pids = [fact.pid for fact in who if isinstance(fact, Owner) and fact.pid]
    if pids:
        return shlex.quote(pids[0])
    return "PID" if space.inode is None else f'"$(lsns -no PID {space.inode} | head -n 1)"'


def _one(command: str) -> str:
    """Return a command that is one for whatever runs it; of a pipe, the first part is what asks the kernel."""
    return f"sh -c {shlex.quote(command)}" if _words(command) & _JOINTS else command


def _words(command: str) -> set[str]:
    reader = shlex.shlex(command, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        return set(reader)
    except ValueError:  # a quotation without its end: an apostrophe in prose
        return _JOINTS
