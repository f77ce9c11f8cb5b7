"""What the drop monitor was set to before us, kept in a file: after a kill the next run still gives that back."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from dropwatchd.sources.net_dm.options import Config

log = logging.getLogger(__name__)
_NAME = "net_dm.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class _Kept(msgspec.Struct, frozen=True):
    boot: str
    original: Config
    ours: Config


class Memory:
    """A file in the folder `state`, None for no memory. It is of one boot: the monitor's settings live no longer."""

    def __init__(self, state: Path | None, boot: Path = _BOOT) -> None:
        self._path = state / _NAME if state else None
        self._boot = boot

    def original(self, found: Config, ours: Config) -> Config:
        """Return what was set before the first of our runs since somebody else has set it, and remember that.

        Where what is found is what a run of ours had set, that was killed. The mode says nothing: a storm changes it.
        """
        kept = self._read()
        original = kept[0] if kept and kept[1][1:] == found[1:] else found
        self._write(original, ours)
        return original

    def forget(self) -> None:
        """What was found has been given back."""
        if self._path:
            with suppress(OSError):
                self._path.unlink()

    def _read(self) -> tuple[Config, Config] | None:
        """Return (original, ours) of the run before; None where it left none in this boot, or none that makes sense."""
        if not self._path:
            return None
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
            return (kept.original, kept.ours) if kept.boot == self._boot.read_text().strip() else None
        except (OSError, ValueError, msgspec.MsgspecError):  # a ValueError itself since msgspec 0.20
            return None

    def _write(self, original: Config, ours: Config) -> None:
        if not self._path:
            return
        kept = _Kept(self._boot.read_text().strip(), original, ours)
        aside = self._path.with_suffix(".new")
        try:
            aside.write_bytes(msgspec.json.encode(kept))
            aside.chmod(0o640)
            os.replace(aside, self._path)  # noqa: PTH105 - the whole file or none
        except OSError as error:
            log.warning("the drop monitor's settings cannot be kept (%s): a kill would leave ours in force", error)
