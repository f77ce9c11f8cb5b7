"""What a configuration says about the BPF source."""

from typing import Annotated

from msgspec import Meta, Struct

from dropwatchd.sources.bpf.layout import MAX_SAMPLE_BYTES


class BpfOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """max_keys: distinct (location, reason, protocol, interface, namespace) counted apart; see Room for their shares.

    sample_bytes: kept of each sampled packet, 0 for no samples; its headers, and at most payload_bytes behind them.
    sample_first: the first so many packets of each key and window are all kept (rounded down to a power of two), then
    ever fewer by chance. sample_limit: at most so many samples per CPU and window.
    """

    max_keys: Annotated[int, Meta(ge=64, le=1_048_576)] = 8192
    sample_bytes: Annotated[int, Meta(ge=0, le=MAX_SAMPLE_BYTES)] = 128
    payload_bytes: Annotated[int, Meta(ge=0, le=MAX_SAMPLE_BYTES)] = 0
    sample_first: Annotated[int, Meta(ge=1, le=1024)] = 4
    sample_limit: Annotated[int, Meta(ge=1, le=65_536)] = 256
