"""One module for each view: from queries to plain rows."""
