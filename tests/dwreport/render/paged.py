"""A history to look at, and its page, as a program reads it."""

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from dropwatchd.model import NANO
from tests.dwreport.conftest import HOUR_NS, START_NS, History

HOSTILE = "</script><script>window.pwned=1</script>\"'><img src=x onerror=window.pwned=1>{{7*7}}\u202e\x1b[31m"
HALF_NS = HOUR_NS // 2
_VOID = {"meta", "br", "link", "img", "input", "path"}


class Element:
    """An element of a page with its attributes and all text in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes, self.text = tag, attributes, ""
        self.inside: list[Element] = []

    def all(self, tag: str, **wanted: str) -> "list[Element]":
        """Return the elements in it, however deep, that have these attributes; class_ stands for class."""
        found = []
        for one in self.inside:
            if one.tag == tag and all(one.attributes.get(name.rstrip("_")) == value for name, value in wanted.items()):
                found.append(one)
            found += one.all(tag, **wanted)
        return found

    def everything(self) -> "list[Element]":
        return [part for one in self.inside for part in (one, *one.everything())]


class Page(HTMLParser):
    """What a browser makes of the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(made)
        if tag not in _VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for one in self._open:
            one.text += data

    def one(self, tag: str, **wanted: str) -> Element:
        [found] = self.root.all(tag, **wanted)
        return found

    def rows(self, section: str) -> list[list[Element]]:
        """Return the cells of a section's table."""
        return [row.all("td") for body in self.one("section", id=section).all("tbody") for row in body.all("tr")]

    def keys(self, section: str, column: int) -> Sequence[int | None]:
        """Return the numbers of a column."""
        found = (row[column].attributes.get("data-v") for row in self.rows(section))
        return [None if key is None else int(key) for key in found]

    @property
    def data(self) -> Any:
        return json.loads(self.one("script", type="application/json").text)


def fill(history: History) -> None:
    """Write an hour of losses: a burst, one that goes on, one without harm, a hostile one, and half an hour unwatched.

    The counters tell of a loss without an event.
    """
    run = history.run(hostname="web-3")
    for second in range(0, 120, 10):
        history.drop(run, START_NS + (600 + second) * NANO, 500)
    for minute in (*range(1, 29), *range(50, 60)):
        history.drop(run, START_NS + minute * 60 * NANO, 3, reason="NO_SOCKET", symbol="__udp4_lib_rcv", name="lo",
                     ifindex=1)
    history.drop(run, START_NS + 300 * NANO, 40, reason=None, symbol="ip6_mc_input", protocol=0x86DD)
    history.drop(run, START_NS + 1500 * NANO, 7, reason=HOSTILE, symbol=HOSTILE, name=HOSTILE, netns=4026532290,
                 netns_name=HOSTILE)
    history.counter(run, "UdpInErrors", 6000, START_NS + 900 * NANO)
    history.counter(run, "TcpExtListenOverflows", 90, START_NS + 900 * NANO)
    history.counter(run, "TcpExtListenDrops", 90, START_NS + 900 * NANO)
    for second, kind in ((595, "link down"), (601, "link up")):
        history.event(run, START_NS + second * NANO, kind, HOSTILE if kind == "link up" else "eth0", detail="carrier")
    history.gap(run, START_NS + 50 * NANO, START_NS + 52 * NANO, cause="packet samples lost", effect="detail",
                scope="packets", lost=12)
    history.gap(run, START_NS + 3400 * NANO, START_NS + 3402 * NANO, cause="packet samples lost", effect="detail",
                scope="packets", lost=1100)
    history.gap(run, START_NS + HALF_NS, START_NS + HALF_NS + 1200 * NANO, detail=HOSTILE)
