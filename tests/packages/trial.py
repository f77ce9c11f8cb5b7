"""dropwatchd as it runs once installed in a root: its user, its two capabilities, its folder; and drops to count."""

import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.gallery.namespace import Namespace, wait_for
from tests.packages.roots import Root

STATE = "/var/lib/dropwatchd"
_RIGHTS = "-all,+bpf,+perfmon"
AS_UNIT = ("setpriv", "--reuid=dropwatchd", "--regid=dropwatchd", "--clear-groups", f"--inh-caps={_RIGHTS}",
           f"--ambient-caps={_RIGHTS}", f"--bounding-set={_RIGHTS}", "--no-new-privs")
"""What User=, CapabilityBoundingSet=, AmbientCapabilities= and NoNewPrivileges= of the unit come to."""


@contextmanager
def recording(root: Root, *command: str) -> Iterator[None]:
    """Run the daemon in a root until it records; end it as systemd does."""
    log = root.inside("/tmp/daemon.log")
    log.write_text("")
    process = root.start(log, *AS_UNIT, *(command or ("env", f"STATE_DIRECTORY={STATE}", "/usr/bin/dropwatchd")))
    try:
        wait_for(lambda: "ready after" in log.read_text() or process.poll() is not None, "the daemon is ready")
        assert process.poll() is None, log.read_text()
        assert "drop events: bpf\n" in log.read_text()
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, log.read_text()


def make_state(root: Root) -> None:
    """Do what StateDirectory= of the unit does."""
    root.run("install", "-d", "-o", "dropwatchd", "-g", "dropwatchd", "-m", "0750", STATE)


def drop(namespace: Namespace, packets: int) -> None:
    """Have the kernel drop so many datagrams to a port where nobody listens."""
    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(packets):
                sender.sendto(b"lost", ("127.0.0.1", 9))
    namespace.run(send)


def recorded(root: Root, namespace: Namespace, folder: str = STATE) -> int:
    """Return how many of them the history has: those of this namespace, whatever else is dropped on this machine."""
    names = (namespace.name, f"net:[{namespace.inode}]")
    query = "SELECT coalesce(sum(count), 0) FROM v_drops WHERE reason = 'NO_SOCKET' AND netns IN (?, ?)"
    with closing(sqlite3.connect(root.inside(f"{folder}/history.db"))) as history:
        (count,), = history.execute(query, names)
    return int(count)
