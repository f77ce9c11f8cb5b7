"""What tells a history apart from any other SQLite file, and one revision of it from the next."""

APPLICATION_ID = 0x64727764  # "drwd": PRAGMA application_id
REVISION = "0004"            # the newest in migrations/; revisions are compared as text
