"""What tells a history apart from any other SQLite file, and one revision of it from the next."""

APPLICATION_ID = 0x64727764  # "drwd": PRAGMA application_id
REVISION = "0008"            # the newest in migrations/; revisions are compared as text

# The id of a packet times 2^32 by the golden ratio (Knuth, TAOCP 6.4): in this order they come from all over the time.
SCATTERED = "id * 2654435761 % 4294967296"
