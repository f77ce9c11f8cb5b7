"""Hardware drops by BPF alone, where the kernel has no drop monitor: counts, and no packets."""

from dropwatchd.sources.devlink.source import DevlinkSource

__all__ = ["DevlinkSource"]
