"""Writing a history: opened by one writer, in transactions, summed, and kept within its bounds."""
