"""Commands to the QEMU guest agent: JSON lines over the socket of a virtio-serial port."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any, cast


class AgentError(Exception):
    """The guest agent refused a command, or did not answer in time."""


class Agent:
    """One connection to qemu-ga; the protocol is QEMU's docs/interop/qemu-ga-ref."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._received = bytearray()
        self._turn = threading.Lock()

    def call(self, command: str, *, timeout: float, **arguments: object) -> Any:
        """The `return` member of the agent's answer; argument names are QEMU's with `_` for `-`."""
        message = {"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}}
        with self._turn:
            self._socket.settimeout(timeout)
            try:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
                answer = json.loads(self._line(time.monotonic() + timeout))
            except TimeoutError:
                raise AgentError(f"{command}: no answer within {timeout:g} s") from None
            except OSError as error:
                raise AgentError(f"{command}: {error}") from error
        if "error" in answer:
            raise AgentError(f"{command}: {answer['error'].get('desc', answer['error'])}")
        return cast("Any", answer["return"])

    def close(self) -> None:
        self._socket.close()

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._received:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("the emulator closed the connection")
            self._received += chunk
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received[:] = rest
        return line
