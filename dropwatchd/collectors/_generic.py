"""Dumps of generic netlink families that not every kernel has, or has loaded."""

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel import generic
from dropwatchd.kernel.netlink import Message


def dump(family: str, command: int, body: bytes = b"") -> list[Message]:
    """Return what a family answers, or raise AbsentError where there is none; asking loads nothing."""
    try:
        return generic.dump(family, (command, body))
    except LookupError as error:
        raise AbsentError(str(error)) from None
