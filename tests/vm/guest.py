"""A Debian guest under QEMU's software emulation: start it, run commands in it, cut its power."""

import base64
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from tests.vm import emulator
from tests.vm.agent import Agent, AgentError
from tests.vm.image import Image

BOOT_S = 900
ANSWER_S = 300
POLL_S = 0.02
"""Deadlines are for a guest that hangs: a boot takes 25 s on an idle machine, minutes on a crowded one."""


class GuestError(Exception):
    """The guest did not do what was asked; the message ends with what its console showed last."""


class Guest:
    """One virtual machine with a disk of its own on top of a cached image.

    The disk outlives the machine: after power_cut() or shutdown(), start() boots what was left on it.
    `share` is a folder that both sides write, /mnt/share inside; the repository is /mnt/repo, read only;
    `project` is a drive for /opt/dropwatchd; `parallel` gives each of its CPUs one of the host's, see emulator.py.
    """

    def __init__(self, image: Image, project: Path | None = None, *, parallel: bool = False) -> None:
        self.image = image
        self.project = project
        self.parallel = parallel
        self._folder = tempfile.TemporaryDirectory(prefix="guest-", dir="/var/tmp")
        self.folder = Path(self._folder.name)
        self.share = self.folder / "share"
        self.share.mkdir()
        self.console = self.folder / "console.log"
        self._machine: subprocess.Popen[bytes] | None = None
        self._agent: Agent | None = None
        overlay = ["-b", str(image.disk), "-F", "raw", str(self.folder / "disk.qcow2")]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *overlay], check=True)

    @property
    def running(self) -> bool:
        return self._machine is not None and self._machine.poll() is None

    def start(self) -> Self:
        """Switch the machine on and wait until systemd has finished booting it."""
        self.launch()
        return self.wait()

    def launch(self, *, terminal: bool = False) -> None:
        """Switch on; the machine dies with the calling thread. `terminal` joins a root shell to the caller's."""
        if self.running:
            raise GuestError("the guest is already running")
        (self.folder / "agent.sock").unlink(missing_ok=True)
        command = emulator.command(self.image, self.project, self.folder, terminal=terminal,
                                   parallel=self.parallel)
        if terminal:
            self._machine = subprocess.Popen(command)
            return
        with (self.folder / "qemu.log").open("ab") as log:
            # A process group of its own: Ctrl-C is for the tests, which then end the guest.
            self._machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             process_group=0)

    def wait(self, timeout: float = BOOT_S) -> Self:
        """Until the agent answers and systemd has no start job left."""
        deadline = time.monotonic() + timeout
        self._agent = self._connect(deadline)
        try:
            self._agent.call("guest-sync", id=1, timeout=deadline - time.monotonic())
            self.run("systemctl is-system-running --wait", deadline - time.monotonic(), check=False)
        except (AgentError, subprocess.TimeoutExpired) as error:
            raise self._failed(f"did not boot, deadline {timeout:g} s: {error}") from error
        return self

    def join(self) -> None:
        """Until the machine is off."""
        self._must_run().wait()

    def run(self, command: str, timeout: float = 300, *, check: bool = True,
            stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """What subprocess.run would give for `sh -c command` as root in the guest, and its exceptions.

        It ends when the command has ended and closed its output: redirect the output of what stays behind.
        """
        deadline = time.monotonic() + timeout
        # setsid makes the command's pid its group's too: at the deadline all that it started is killed.
        started = self._call("guest-exec", path="/usr/bin/setsid", arg=["sh", "-c", command],
                             input_data=base64.b64encode(stdin).decode(), capture_output=True)
        status = self._call("guest-exec-status", pid=started["pid"])
        while not status["exited"]:
            if time.monotonic() > deadline:
                self._call("guest-exec", path="/bin/kill", arg=["-KILL", "--", f"-{started['pid']}"])
                raise subprocess.TimeoutExpired(command, timeout)
            time.sleep(POLL_S)
            status = self._call("guest-exec-status", pid=started["pid"])
        if status.get("out-truncated") or status.get("err-truncated"):
            raise GuestError(f"more output than the guest agent carries (16 MiB): {command}")
        done = subprocess.CompletedProcess(
            command, status.get("exitcode", -status.get("signal", 0)),
            _text(status.get("out-data", "")), _text(status.get("err-data", "")))
        if check:
            _raise_for_failure(done)
        return done

    def put(self, source: Path, target: str) -> None:
        """Copy a file of the host into the guest."""
        self.run(f"cat > {shlex.quote(target)}", stdin=source.read_bytes())

    def power_cut(self) -> None:
        """SIGKILL to the emulator: what the guest had not flushed to its disk is gone."""
        machine = self._must_run()
        machine.kill()
        machine.wait()
        self._disconnect()

    def shutdown(self, timeout: float = 600) -> None:
        """An orderly power off, services stopped by systemd."""
        machine = self._must_run()
        # Not the agent's own guest-shutdown: its shutdown(8) wants a logind, which the guest has not.
        self._call("guest-exec", path="/usr/bin/systemctl", arg=["poweroff", "--no-block"])
        try:
            machine.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not power off within {timeout:g} s") from None
        finally:
            self._disconnect()

    def close(self) -> None:
        """End the emulator, if it still runs, and remove the disk and the share."""
        if self._machine is not None:
            self._machine.kill()
            self._machine.wait()
        self._disconnect()
        self._folder.cleanup()

    def _connect(self, deadline: float) -> Agent:
        while self.running and time.monotonic() < deadline:
            try:
                return Agent(self.folder / "agent.sock")
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(POLL_S)
        raise self._failed("the emulator did not start")

    def _call(self, command: str, **arguments: object) -> Any:
        try:
            return self._must_agent().call(command, timeout=ANSWER_S, **arguments)
        except AgentError as error:
            raise self._failed(str(error)) from error

    def _must_agent(self) -> Agent:
        if self._agent is None:
            raise GuestError("the guest is not running")
        return self._agent

    def _must_run(self) -> subprocess.Popen[bytes]:
        if self._machine is None or not self.running:
            raise self._failed("the guest is not running")
        return self._machine

    def _disconnect(self) -> None:
        if self._agent is not None:
            self._agent.close()
        self._agent = None

    def _failed(self, message: str) -> GuestError:
        logs = [path.read_text(errors="replace")[-2000:]
                for path in (self.folder / "qemu.log", self.console) if path.exists()]
        return GuestError("\n".join([message, *logs]))


def _raise_for_failure(done: subprocess.CompletedProcess[str]) -> None:
    try:
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(f"{done.stdout}{done.stderr}")
        raise


def _text(data: str) -> str:
    return base64.b64decode(data).decode(errors="surrogateescape")
