"""What a configuration says about how long the history is kept."""

from typing import Annotated

from msgspec import Meta, Struct


class RetentionOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """days: of counts, counter changes, gaps and events. fine_days: before windows and changes are folded into minutes.

    packet_days: of packet samples. unsent_days: longer, what dropwatchd-upload has not sent yet. max_mib: of the
    database and its write-ahead log; beyond it packets go early, then windows and counter changes are folded, last the
    oldest hours go, and the ledger says so.
    """

    days: Annotated[int, Meta(ge=1, le=3650)] = 90
    fine_days: Annotated[int, Meta(ge=1, le=3650)] = 3
    packet_days: Annotated[int, Meta(ge=1, le=3650)] = 7
    unsent_days: Annotated[int, Meta(ge=0, le=3650)] = 7
    max_mib: Annotated[int, Meta(ge=16, le=1_048_576)] = 1024
