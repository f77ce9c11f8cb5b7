"""A relay before a server's socket, which counts what passes it both ways."""

import socket
import threading
from contextlib import suppress

from tests.fleet.server import Server


class Relay(threading.Thread):
    """Passes bytes on to a server's socket, and counts them."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        folder = server.folder / "relay"
        folder.mkdir()
        self._server, self.octets = server.folder / ".s.PGSQL.5432", 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / self._server.name))
        self._listener.listen()
        self.start()

    @staticmethod
    def through(url: str) -> str:
        """Return the URL by which a database of the server is reached through here."""
        return url.replace("&port=", "/relay&port=")

    def run(self) -> None:
        with self._listener:
            while True:
                client, _ = self._listener.accept()
                there = socket.socket(socket.AF_UNIX)
                try:
                    there.connect(str(self._server))
                except OSError:
                    client.close()
                    continue
                for one, other in ((client, there), (there, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(ConnectionError):
            while data := one.recv(65_536):
                self.octets += len(data)
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)
