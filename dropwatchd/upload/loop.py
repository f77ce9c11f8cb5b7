"""Sends again and again, all there is each time; whatever fails is tried again later."""

import logging
import select
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import FleetError, connect, explained, psycopg
from dropwatchd.history.read.readonly import UnreadableError, read_as_it_is
from dropwatchd.history.sent import tell_sent
from dropwatchd.model import NANO
from dropwatchd.service import Service
from dropwatchd.signals import Signals
from dropwatchd.upload.pace import Pace
from dropwatchd.upload.read import RefusedError, machine_of, next_slice
from dropwatchd.upload.send import OvertakenError, Sender

if TYPE_CHECKING:
    from psycopg import Connection

logger = logging.getLogger(__name__)
_UNSENT_NS = 600 * NANO  # the last minutes may not be over, or not be written
_TRIES = 5         # where others send of the same host as well


@dataclass(slots=True)
class Target:
    """What is sent to where."""

    url: str
    database: Path
    packets: bool = False
    sender: Sender = field(default_factory=Sender)


def send_all(target: Target) -> int:
    """Send what there is, and return how many rows; raise FleetError, RefusedError and UnreadableError.

    What was sent stays sent, whatever comes in between: see Sender.
    """
    try:
        with connect(target.url, unchecked=True) as connection:
            return _send_all(connection, target)
    except psycopg().Error as error:
        raise explained(error) from error


def _send_all(connection: "Connection[Any]", target: Target) -> int:
    began_ns = time.time_ns()
    machine_id, _hostname = read_as_it_is(target.database, machine_of)
    rows = overtaken = 0
    more = True
    target.sender.doubt()
    while more:
        marks = target.sender.marks(connection, machine_id)
        there = partial(target.sender.there, connection, machine_id)
        made = read_as_it_is(target.database, partial(next_slice, marks=marks, there=there, packets=target.packets))
        if made is None and target.sender.is_sure:
            break
        if made is None:
            target.sender.forget()
            continue
        try:
            rows += target.sender.send(connection, made)
        except OvertakenError:
            overtaken += 1
            if overtaken >= _TRIES:
                raise FleetError(f"another program sends for {made.hostname} ({machine_id}); have one send, and give "
                                 "each host a machine id of its own") from None
            continue
        more = made.more
    tell_sent(target.database, began_ns - _UNSENT_NS)
    return rows


def send_on(target: Target, interval_s: float, signals: Signals) -> None:
    """Send until a signal says stop; what fails is tried again later. Raise FleetError where the driver is missing."""
    service = Service()
    psycopg()
    service.ready()
    pace, is_well = Pace(interval_s), True
    wait_s = pace.first()
    while not _stopped(signals, wait_s):
        try:
            rows = send_all(target)
        except (FleetError, RefusedError, UnreadableError) as error:
            if is_well:
                logger.error("%s", error)
            is_well = False
            wait_s = pace.next(time.monotonic(), sent=False)
            service.status(f"not sent, trying again in {wait_s:.0f} s: {error}"[:200])
        else:
            if not is_well:
                logger.info("sending again")
            is_well = True
            wait_s = pace.next(time.monotonic(), sent=True)
            service.status(f"sent {rows} rows")


def _stopped(signals: Signals, seconds: float) -> bool:
    """Wait so long, or until it is time to stop."""
    if not signals.stop:
        select.select([signals], [], [], seconds)
    return signals.stop
