"""From what sources and collectors give to what is written: windows, deltas, the buffer, and the threads around it."""
