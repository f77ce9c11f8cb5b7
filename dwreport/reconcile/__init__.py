"""The counter algebra: which counters must move with which drop events."""
