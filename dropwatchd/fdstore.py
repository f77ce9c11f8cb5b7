"""The service manager's store of file descriptors: what is put there outlives us, and the next start gets it back."""

import logging
import os
import socket

log = logging.getLogger(__name__)
_FIRST = 3  # SD_LISTEN_FDS_START
_PATIENCE_S = 5.0


class FdStore:
    """Empty, and keeps nothing, where no service manager listens or the unit has no FileDescriptorStoreMax=."""

    def __init__(self) -> None:
        """Take what the service manager hands over (sd_listen_fds(3)); to be made once, before anything is started."""
        names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
        count = int(os.environ.pop("LISTEN_FDS", "0") or 0)
        mine = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
        self._held: dict[str, int] = {}
        for fd, name in zip(range(_FIRST, _FIRST + count), names, strict=False) if mine else ():
            os.set_inheritable(fd, False)  # noqa: FBT003
            if name in self._held:  # the later one is the newer one
                os.close(self._held[name])
            self._held[name] = fd
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._waiting: list[tuple[str, int | None]] | None = []

    @property
    def listens(self) -> bool:
        """Say whether a service manager is there; that its unit allows no store, it says since version 254 alone."""
        return bool(self._address) and os.environ.get("FDSTORE", "1") != "0"

    def take(self, prefix: str) -> dict[str, int]:
        """Return name without prefix -> descriptor of what a run before us has kept under such names: ours from now."""
        taken = {name: self._held.pop(name) for name in list(self._held) if name.startswith(prefix)}
        return {name.removeprefix(prefix): fd for name, fd in taken.items()}

    def keep(self, name: str, fd: int) -> None:
        """Put a descriptor into the store. It is not to be polled: maps of BPF answer that with an error."""
        self._send(f"FDSTORE=1\nFDPOLL=0\nFDNAME={name}", fd)

    def discard(self, name: str) -> None:
        """Remove what is kept under that name."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def settle(self) -> None:
        """Tell the service manager what was kept and discarded up to now, and close and discard what nobody has taken.

        Until then it is told nothing: that takes its time, and should we end before, nothing has changed. The rest is
        of another version or configuration.
        """
        waiting, self._waiting = self._waiting or [], None
        for text, fd in waiting:
            self._send(text, fd)
            if fd is not None:
                os.close(fd)
        while self._held:
            name, fd = self._held.popitem()
            os.close(fd)
            self.discard(name)

    def _send(self, text: str, fd: int | None = None) -> None:
        if not self._address:
            return
        if self._waiting is not None:
            self._waiting.append((text, None if fd is None else os.dup(fd)))
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(_PATIENCE_S)
                sock.connect(address)
                socket.send_fds(sock, [text.encode()], [] if fd is None else [fd])
        except OSError as error:
            log.info("the service manager keeps nothing for the next start (%s)", error)
            self._address = ""
