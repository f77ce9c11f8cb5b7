"""`dropwatchd setup`: what an installation by pip, pipx or uv leaves away, put in place, and taken away again."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from dropwatchd.data import data_folder

_PROGRAMS = ("dropwatchd", "dropwatchd-upload", "dwreport")
_UNIT = Path("etc/systemd/system/dropwatchd.service")
_UPLOAD = _UNIT.with_name("dropwatchd-upload.service")
_CONFIG = Path("etc/dropwatchd/config.toml")
_USER = Path("etc/sysusers.d/dropwatchd.conf")
_DROP_INS = Path("usr/local/share/dropwatchd")
_SHARED = {  # below share/ of the environment (pyproject.toml), and of /usr/local, where shells and man look
    "man/man1/dwreport.1", "man/man5/dropwatchd.toml.5", "man/man5/dropwatch-history.5", "man/man8/dropwatchd.8",
    "man/man8/dropwatchd-upload.8", "zsh/site-functions/_dropwatchd", "zsh/site-functions/_dwreport",
    *(f"bash-completion/completions/{name}" for name in _PROGRAMS),
    *(f"fish/vendor_completions.d/{name}.fish" for name in _PROGRAMS),
}
_PACKAGED = ("usr/lib/systemd/system/dropwatchd.service", "usr/local/lib/systemd/system/dropwatchd.service")
_HOMES = tuple(map(Path, ("/root", "/home", "/run/user")))  # closed to the unit by ProtectHome=: systemd.exec(5)


def unit(name: str = _UNIT.name) -> str:
    """Return a unit, with the path of this installation's program."""
    text = (data_folder("systemd") / name).read_text(encoding="utf-8")
    return text.replace("\nExecStart=/usr/bin/", f"\nExecStart={_program().parent}/")


def print_unit() -> int:
    """Print the unit; return the exit code."""
    print(unit(), end="")  # noqa: T201 - the terminal is the place
    return 0


def setup(*, remove: bool = False, root: Path = Path("/")) -> int:
    """Put everything in place below `root`, or take it away; print what was done, and return the exit code."""
    refusal = _refusal(root, remove=remove)
    if refusal:
        print(f"dropwatchd: {refusal}", file=sys.stderr)  # noqa: T201 - the terminal is the place
        return 1
    for line in _removed(root) if remove else _placed(root):
        print(line)  # noqa: T201
    return 0


def _program() -> Path:
    return Path(sys.executable).with_name(_PROGRAMS[0])


def _refusal(root: Path, *, remove: bool) -> str:
    """Say what stands against it, in one line."""
    if os.geteuid():
        return "setup writes below /etc and /usr/local; run it as root"
    if remove:
        return ""
    if packaged := next((path for path in _PACKAGED if (root / path).exists()), None):
        return f"/{packaged} is there already, of a package or of make install; remove that first"
    if not _program().exists():
        return f"there is no {_program()}; install dropwatchd into an environment: pip install dropwatchd"
    for path in (_program(), Path(sys.executable).resolve()):
        if any(path.is_relative_to(home) for home in _HOMES):
            return (f"the service cannot reach {path}, for it may not look into home folders; install it elsewhere, "
                    "such as below /opt")
    return ""


def _placed(root: Path) -> Iterator[str]:
    """Write what differs, and yield a line on each."""
    for target, content in _files():
        path = root / target
        kept = target == _CONFIG and path.exists()
        if kept or (path.is_file() and path.read_bytes() == content):
            yield f"in place   /{target}"
            continue
        said = "updated  " if path.exists() else "installed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
        yield f"{said}  /{target}"
    for name, link in _links(root):
        if not link.is_symlink() and not link.exists() and str(link.parent) != str(_program().parent):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(_program().with_name(name))
            yield f"installed  /usr/local/bin/{name}"
    _run(root, "systemd-sysusers", f"/{_USER}")
    _systemctl(root, "daemon-reload")
    yield "next: systemctl enable --now dropwatchd"


def _removed(root: Path) -> Iterator[str]:
    """Take away what is there, and yield a line on each."""
    _systemctl(root, "disable", "--now", _UPLOAD.name, _UNIT.name)
    for target, _content in _files():
        path = root / target
        if target != _CONFIG and path.exists():
            path.unlink()
            yield f"removed    /{target}"
    for name, link in _links(root):
        if link.is_symlink() and link.readlink() == _program().with_name(name):
            link.unlink()
            yield f"removed    /usr/local/bin/{name}"
    if (root / _DROP_INS).exists() and not any((root / _DROP_INS).iterdir()):
        (root / _DROP_INS).rmdir()
    _systemctl(root, "daemon-reload")
    yield "what stays: /etc/dropwatchd, /var/lib/dropwatchd with the history, and the user dropwatchd"


def _files() -> Iterator[tuple[Path, bytes]]:
    """Yield each file's place below the root, and what belongs there."""
    systemd = data_folder("systemd")
    for target in (_UNIT, _UPLOAD):
        yield target, unit(target.name).encode()
    yield _USER, (systemd / "sysusers.conf").read_bytes()
    yield _CONFIG, (systemd / "config.toml").read_bytes()
    for name in ("evidence.conf", "net_dm.conf"):
        yield _DROP_INS / name, (systemd / name).read_bytes()
    share = Path(sysconfig.get_path("data"), "share")
    if share != Path("/usr/local/share"):
        for name in sorted(_SHARED):
            if (share / name).exists():  # not in an editable installation
                yield Path("usr/local/share", name), (share / name).read_bytes()


def _links(root: Path) -> Iterator[tuple[str, Path]]:
    for name in _PROGRAMS:
        yield name, root / "usr/local/bin" / name


def _systemctl(root: Path, *words: str) -> None:
    """Tell a systemd that runs; in a chroot, or while an image is made, there is none (sd_booted(3))."""
    if (root / "run/systemd/system").is_dir():
        _run(root, "systemctl", *words)


def _run(root: Path, program: str, *words: str) -> None:
    """Run a program of systemd's where it is installed and the root is ours; its messages are for the person."""
    if root == Path("/") and shutil.which(program):
        subprocess.run([program, *words], check=False)
