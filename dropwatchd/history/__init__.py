"""The history in SQLite: the contract between the daemon, which writes it, and reports, which read it."""
