"""The thread that writes: at the end of each second with news, and a heartbeat when there are none."""

import logging
import time
from threading import Thread

from sqlalchemy.exc import SQLAlchemyError

from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.writer import Writer
from dropwatchd.pipeline.buffer import Buffer

log = logging.getLogger(__name__)
_HEARTBEAT = 10.0
_GATHER = 1.0  # after the first news, so that one transaction serves a second
_RETRY = 1.0
_TIDY = 600.0


class Recorder(Thread):
    """Takes what the buffer holds and writes it. While the disk stalls everything stays there, merged and bounded."""

    def __init__(self, writer: Writer, buffer: Buffer, retention: RetentionOptions) -> None:
        super().__init__(name="writer", daemon=True)
        self._writer = writer
        self._buffer = buffer
        self.retention = retention
        self._stalled_since_ns = 0
        self._tidy_at = time.monotonic() + _TIDY
        self.alive_at = time.monotonic()
        self.wrote_all = False

    def run(self) -> None:
        """Write until the buffer is closed, and then what is left."""
        while self._buffer.wait(_HEARTBEAT):
            self._buffer.gather(_RETRY if self._stalled_since_ns else _GATHER)
            self.write()
            self._tidy()
        self.wrote_all = self.write()

    def write(self) -> bool:
        """Write what there is; say whether it worked."""
        batch = self._buffer.take()
        try:
            self._writer.write(batch)
        except SQLAlchemyError as error:
            self._buffer.put_back(batch)
            self._stall(error)
            return False
        finally:
            self.alive_at = time.monotonic()
        if self._stalled_since_ns:
            log.warning("the history is written again")
            self._buffer.add([self._buffer.stalled(self._stalled_since_ns, time.time_ns())], 0)
            self._stalled_since_ns = 0
        return True

    def _tidy(self) -> None:
        """Between two writes and never for long, bring the history back within its bounds."""
        if time.monotonic() < self._tidy_at or self._stalled_since_ns:
            return
        try:
            more = self._writer.tidy(self.retention, time.time_ns())
        except SQLAlchemyError as error:
            log.error("the history cannot be tidied (%s)", getattr(error, "orig", error))
            more = False
        self._tidy_at = time.monotonic() + (0 if more else _TIDY)

    def _stall(self, error: SQLAlchemyError) -> None:
        if not self._stalled_since_ns:
            self._stalled_since_ns = time.time_ns()
            log.error("the history cannot be written (%s): counts are kept in memory until it can",
                      getattr(error, "orig", error))
