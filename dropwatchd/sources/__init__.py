"""What every source of drop events is, and which ones run on this host."""

from typing import Protocol

from dropwatchd.model import Mark, Record, Records, Resumed

# What a source sees: its drop events are of software, of hardware, or of both.
ORIGINS = {"software": ("software",), "hardware": ("hardware",), "drops": ("software", "hardware")}


class UnavailableError(Exception):
    """A source cannot run on this host: what is missing, and what to do about it."""

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing}: {remedy}")
        self.missing = missing
        self.remedy = remedy


class Source(Protocol):
    """The life of a source: open, then read whenever `fileno` is readable or `deadline` has passed, then close.

    One that goes on in the kernel without us says what it has told by `mark`, and what it had counted by `resumed`.
    """

    name: str

    @property
    def scope(self) -> str:
        """Return what it sees, and its gaps concern: "software", "hardware", or "drops" for both."""

    @property
    def limits(self) -> tuple[str, ...]:
        """Return what it cannot see by its nature, as it runs now; dwreport says what each means."""

    @property
    def samples(self) -> bool:
        """Say whether it keeps samples of packets."""

    @property
    def resumed(self) -> Resumed | None:
        """Return what it had counted when it was opened, of a run that was killed; None where it began then."""

    def open(self) -> None:
        """Start to see drops. Raises UnavailableError, and leaves nothing behind when it does."""

    def fileno(self) -> int:
        """Return the file descriptor that turns readable when the kernel has something to say."""

    def deadline(self) -> float | None:
        """Return the time.monotonic() at which `read` wants to be called though nothing is readable; None: never."""

    def read(self) -> Records:
        """Return what has come since the last call: a bounded batch. Never blocks."""

    def complete_until(self) -> int:
        """Return the wall-clock time in ns before which every drop has been returned by `read`."""

    def mark(self) -> Mark | None:
        """Return what `read`, `leave` or `resumed` has told so far, to be written with it; None: it ends with us."""

    def leave(self) -> list[Record]:
        """Close, at the end of this process; but what can go on goes on, for the next one, if that is soon here."""

    def close(self) -> list[Record]:
        """Stop, leave the kernel as it was found, and return what had not been read yet; the second time, nothing."""
