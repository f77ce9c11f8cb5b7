"""Reading a history: one window of it, filtered, in typed rows; nothing here writes."""
