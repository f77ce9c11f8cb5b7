"""Whose a control group is: of which container, pod or unit, by its path and what engines keep of their containers."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_ID = r"(?P<id>[0-9a-f]{64})"
# How engines call the groups of their containers, under systemd and by themselves: docker-ID.scope, /docker/ID.
_ENGINES = (
    ("docker", re.compile(rf"/docker[-/]{_ID}(\.scope)?(/|$)")),
    ("podman", re.compile(rf"/libpod-{_ID}(\.scope)?(/|$)")),
    ("containerd", re.compile(rf"/(cri-containerd|nerdctl)-{_ID}\.scope(/|$)")),
    ("cri-o", re.compile(rf"/crio-{_ID}(\.scope)?(/|$)")),
    ("container", re.compile(rf"/{_ID}(/|$)")),
)
_POD = re.compile(r"/(kubepods[\w-]*-)?pod(?P<uid>[0-9a-f]{8}([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(\.slice)?(/|$)")
_LXC = re.compile(r"/lxc(\.payload\.|/)(?P<name>[^/]+)")
_NSPAWN = re.compile(r"/(systemd-nspawn@|machine-)(?P<name>[^/]+)\.(service|scope)(/|$)")
_UNIT = re.compile(r"/(?P<name>[^/]+\.(service|scope|socket|mount|swap))(?=/|$)")
_SHORT = 12  # digits of an id that engines show


class Home(NamedTuple):
    """What a process lives in: `kind` is "pod", "container" or "unit", and `name` begins with what gave it."""

    kind: str
    name: str


@dataclass(frozen=True)
class Engines:
    """Where engines tell what their containers are called; what cannot be read leaves the id."""

    docker: Path = Path("/var/lib/docker/containers")
    podman: Path = Path("/var/lib/containers/storage/overlay-containers/containers.json")
    pods: Path = Path("/var/log/pods")  # the kubelet makes a folder NAMESPACE_NAME_UID for each

    def container(self, engine: str, number: str) -> str:
        """Return the name of a container, or else its id as engines shorten it."""
        asked: dict[str, Callable[[str], str | None]] = {"docker": self._of_docker, "podman": self._of_podman}
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            if engine in asked and (name := asked[engine](number)):
                return name
        return number[:_SHORT]

    def pod(self, uid: str) -> str:
        """Return NAMESPACE/NAME of a pod, or else its uid."""
        with suppress(OSError):
            for folder in self.pods.iterdir():
                namespace, _, rest = folder.name.partition("_")
                name, _, found = rest.rpartition("_")
                if found == uid and name:
                    return f"{namespace}/{name}"
        return uid

    def _of_docker(self, number: str) -> str | None:
        return _text(json.loads((self.docker / number / "config.v2.json").read_bytes())["Name"].removeprefix("/"))

    def _of_podman(self, number: str) -> str | None:
        kept = json.loads(self.podman.read_bytes())
        return next((_text(one["names"][0]) for one in kept if one["id"] == number), None)


def home(path: str, engines: Engines | None = None) -> Home | None:
    """Return what a control group is of: a pod before its containers, for these share the pod's network.

    None is the root group, and a slice by itself: nothing that has a name of its own.
    """
    engines = engines or Engines()
    if pod := _POD.search(path):
        return Home("pod", f"pod:{engines.pod(pod['uid'].replace('_', '-'))}")
    for engine, pattern in _ENGINES:
        if found := pattern.search(path):
            return Home("container", f"{engine}:{engines.container(engine, found['id'])}")
    for engine, pattern in (("lxc", _LXC), ("nspawn", _NSPAWN)):
        if found := pattern.search(path):
            return Home("container", f"{engine}:{found['name']}")
    units = [found["name"] for found in _UNIT.finditer(path) if found["name"] != "init.scope"]
    return Home("unit", f"unit:{units[-1]}") if units else None


def path_of(text: str) -> str:
    """Return the path in /proc/PID/cgroup: "0::/path" of cgroup v2, or systemd's own; "" where there is neither.

    A host that has both uses one of them: in the other all are in the root group.
    """
    lines = (line.split(":", 2) for line in text.splitlines())
    paths = [path for _number, name, path in lines if name in {"", "name=systemd"}]
    return next((path for path in paths if path != "/"), paths[0] if paths else "")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
