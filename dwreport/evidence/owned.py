"""Whose packets were: the process, unit or container that a namespace, or a socket that lost packets, is of: pure."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from dropwatchd.history.read.patterns import printed
from dropwatchd.history.read.scope import OF_RUNS
from dropwatchd.model import Interface
from dwreport.packets.headers import Who

KINDS = ("process", "unit", "container")
OF_SOCKETS = ("sockets", "capture")  # the collectors that tell whose a socket is
_UNITS = (".service", ".scope", ".socket", ".mount", ".swap")
_ANY = ("0.0.0.0", "[::]")  # noqa: S104 - what a socket is bound to that takes packets of all addresses
_ID = re.compile(r"[0-9a-f]{12}|^(lxc|machine|systemd-nspawn)|pod")  # of units in which engines run containers
_HOMES = {"container": "container", "pod": "container", "unit": "unit"}
Names = frozenset[str]
Rows = Callable[[str], Iterator[tuple[object, ...]]]


class Socket(NamedTuple):
    """A socket that lost packets in the window: its local address, and whose it is, as far as that is on record."""

    local: str
    names: Mapping[str, Names | None]


Place = tuple[str, int | None, str, str]  # host, namespace, transport, port
Sockets = Mapping[Place, Sequence[Socket]]


def names_of(labels: Mapping[str, str]) -> dict[str, Names | None]:
    """Return what the owner of a socket is called, by kind: a container by its engine too, as reports print it.

    None is not known; a control group of a unit is of no container, but that a container's group may be one too.
    """
    group = labels.get("cgroup", "")
    units = [part for part in group.split("/") if part.endswith(_UNITS)]
    container = called(labels.get("container"))
    unknown = not group or not units or _ID.search(units[-1])
    return {"process": called(labels.get("process")) or None,
            "unit": called(units[-1] if units else None) if group else None,
            "container": container or (None if unknown else frozenset())}


def names_of_space(interface: Interface) -> dict[str, Names]:
    """Return what lives in the namespace of a device, where that is what the namespace is called by."""
    home = _HOMES.get(interface.netns_kind or "")
    return {home: called(interface.netns_name)} if home else {}


def called(name: str | None) -> Names:
    """Return all that a thing may be called: docker:web and web, pod:shop/web, shop/web and web."""
    if not name:
        return frozenset()
    bare = name.rpartition(":")[2]
    return frozenset(form for one in (name, bare, bare.rpartition("/")[2]) for form in (one, printed(one)))


def names_on_record(rows: Rows) -> Iterator[Mapping[str, Names | None]]:
    """Yield what all of the history ever had of owners: of sockets, and of namespaces."""
    for collector, text in rows("SELECT DISTINCT collector, labels FROM counters"):
        if collector in OF_SOCKETS:
            yield names_of(cast("dict[str, str]", json.loads(cast("str", text))))
    for name, kind in rows("SELECT DISTINCT name, kind FROM namespaces"):
        interface = Interface(netns_name=cast("str | None", name), netns_kind=cast("str | None", kind))
        yield {**dict.fromkeys(KINDS, frozenset()), **names_of_space(interface)}


def sockets(rows: Rows) -> Sockets:
    """Return the sockets that lost packets in a window, by where packets come to them."""
    found: dict[Place, list[Socket]] = defaultdict(list)
    for host, netns, text in rows(f"""
            SELECT DISTINCT host_of(r.id), n.entity, c.labels
            FROM counter_changes d JOIN counters c ON c.id = d.counter_id JOIN runs r ON r.id = d.run_id
                 LEFT JOIN namespaces n ON n.id = c.namespace_id
            WHERE c.collector = 'sockets' AND d.until_ns > :since AND d.since_ns < :until AND {OF_RUNS}"""):  # noqa: S608
        labels = cast("dict[str, str]", json.loads(cast("str", text)))
        address, _, port = labels.get("local", "").rpartition(":")
        place = cast("str", host), cast("int | None", netns), labels.get("protocol", "").removesuffix("6"), port
        found[place].append(Socket(address.removeprefix("[").removesuffix("]") if address not in _ANY else "",
                                   names_of(labels)))
    return found


def taken_by(sockets: Sockets, host: str, netns: int | None, ends: Who) -> Sequence[Socket]:
    """Return the sockets that a packet was for: of its very address before those of all."""
    there = sockets.get((host, netns, ends.transport or "", str(ends.destination_port)), ())
    exact = [socket for socket in there if socket.local == ends.destination]
    return exact or [socket for socket in there if not socket.local]
