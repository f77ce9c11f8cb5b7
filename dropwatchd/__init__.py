"""dropwatchd records every packet drop of a Linux host, and the counters that explain it, into SQLite."""

__version__ = "0.1.0"
