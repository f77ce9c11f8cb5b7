"""The central history of many hosts, in PostgreSQL: its schema, and how a report gets what it needs out of it."""
