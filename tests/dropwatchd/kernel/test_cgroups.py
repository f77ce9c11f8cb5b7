"""Whose a control group is, as engines and systemd lay their groups out."""

import json
from pathlib import Path

import pytest

from dropwatchd.kernel.cgroups import Engines, home, path_of

ID = "3f2a9c1b7d20" + "e" * 52
UID = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
NOWHERE = Engines(Path("/nowhere"), Path("/nowhere"), Path("/nowhere"))


@pytest.mark.parametrize(("path", "told"), [
    (f"/system.slice/docker-{ID}.scope", ("container", "docker:3f2a9c1b7d20")),
    (f"/docker/{ID}", ("container", "docker:3f2a9c1b7d20")),
    (f"/docker/{ID}/init.scope", ("container", "docker:3f2a9c1b7d20")),
    (f"/machine.slice/libpod-{ID}.scope/container", ("container", "podman:3f2a9c1b7d20")),
    (f"/user.slice/user-9.slice/user@9.service/user.slice/libpod-{ID}.scope", ("container", "podman:3f2a9c1b7d20")),
    (f"/system.slice/nerdctl-{ID}.scope", ("container", "containerd:3f2a9c1b7d20")),
    (f"/default/{ID}", ("container", "container:3f2a9c1b7d20")),
    (f"/kubepods.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice/cri-containerd-{ID}.scope",
     ("pod", f"pod:{UID}")),
    (f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/crio-{ID}.scope", ("pod", f"pod:{UID}")),
    (f"/kubepods/besteffort/pod{UID}/{ID}", ("pod", f"pod:{UID}")),
    (f"/system.slice/crio-{ID}.scope", ("container", "cri-o:3f2a9c1b7d20")),
    ("/lxc.payload.web/system.slice/nginx.service", ("container", "lxc:web")),
    ("/lxc/web", ("container", "lxc:web")),
    ("/machine.slice/systemd-nspawn@build.service/payload", ("container", "nspawn:build")),
    ("/system.slice/named.service", ("unit", "unit:named.service")),
    ("/user.slice/user-0.slice/user@0.service/app.slice/app-firefox.scope", ("unit", "unit:app-firefox.scope")),
    ("/user.slice/user-0.slice/session-3.scope", ("unit", "unit:session-3.scope")),
    ("/", None), ("/init.scope", None), ("/user.slice", None), ("", None), ("/docker/short", None),
])
def test_what_a_group_is_of(path: str, told: tuple[str, str] | None) -> None:
    assert home(path, NOWHERE) == told


def test_names_that_engines_keep(tmp_path: Path) -> None:
    """Docker's and Podman's of containers, the kubelet's of pods; what is broken leaves the id."""
    docker, podman, pods = tmp_path / "docker", tmp_path / "containers.json", tmp_path / "pods"
    (docker / ID).mkdir(parents=True)
    (docker / ID / "config.v2.json").write_text(json.dumps({"ID": ID, "Name": "/web-7f"}))
    podman.write_text(json.dumps([{"id": "0" * 64}, {"id": ID, "names": ["mail"]}]))
    (pods / f"default_api-5d_{UID}").mkdir(parents=True)
    (pods / "stray").mkdir()
    engines = Engines(docker, podman, pods)
    groups = (f"/docker/{ID}", f"/machine.slice/libpod-{ID}.scope", f"/kubepods/pod{UID}/{ID}",
              f"/kubepods/pod{UID[:-1]}1/{ID}")
    assert [(found := home(group, engines)) and found.name for group in groups] == [
        "docker:web-7f", "podman:mail", "pod:default/api-5d", f"pod:{UID[:-1]}1"]
    for broken in ("", "{}", '{"Name": 7}', "[1]"):
        (docker / ID / "config.v2.json").write_text(broken)
        podman.write_text(broken)
        assert [(found := home(group, engines)) and found.name for group in groups[:2]] == [
            "docker:3f2a9c1b7d20", "podman:3f2a9c1b7d20"]


@pytest.mark.parametrize(("text", "path"), [
    ("0::/system.slice/a.service\n", "/system.slice/a.service"), ("0::/odd:name\n", "/odd:name"),
    ("12:cpu:/x\n1:name=systemd:/user.slice\n0::/\n", "/user.slice"), ("12:cpu:/x\n", ""), ("", ""),
    ("9:name=systemd:/\n0::/docker/x\n", "/docker/x"), ("9:name=systemd:/\n0::/\n", "/"),
])
def test_path_of_a_process(text: str, path: str) -> None:
    assert path_of(text) == path
