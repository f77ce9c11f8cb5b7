"""What the history holds about each drop: asked for, compared with the counters, and what follows from both."""
