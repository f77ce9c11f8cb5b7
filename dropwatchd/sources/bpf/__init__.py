"""Drops counted in the kernel by a BPF program on the kfree_skb tracepoint."""

from dropwatchd.sources.bpf.options import BpfOptions
from dropwatchd.sources.bpf.source import BpfSource

__all__ = ["BpfOptions", "BpfSource"]
