"""What rounds cost a server and those who send, and what that makes for many more hosts."""

import time
from collections.abc import Iterator

import psycopg

from tests.fleet.hosts import Fleet, Told
from tests.fleet.server import Server

_MANY = 100_000
_WAL = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
# Of a minute of a host, which is a row of drops: bytes of rows and indexes.
_SIZE = """
    SELECT sum(pg_total_relation_size(relid)) / (SELECT count(*) FROM dropwatch.drops)
    FROM (SELECT relid FROM pg_partition_tree('dropwatch.drops')
          UNION ALL SELECT relid FROM pg_partition_tree('dropwatch.counter_changes')) p"""


class Costs:
    """Counts from when it is made, and so does the fleet."""

    def __init__(self, server: Server, fleet: Fleet) -> None:
        self._server, self._fleet = server, fleet
        self._began_s, self._cpu_s, self._wal = time.monotonic(), server.cpu_s(), self._asked(_WAL)
        self._octets = fleet.relay.octets

    def tell(self, told: Told, interval_s: float) -> Iterator[str]:
        """Tell of the rounds since; of as many hosts as there might be as well."""
        took_s, rounds = time.monotonic() - self._began_s, len(told.took)
        server_s, cpu_s = (self._server.cpu_s() - self._cpu_s) / rounds, told.cpu_s / rounds
        wal, rows = (self._asked(_WAL) - self._wal) / rounds, told.rows / rounds
        wire = (self._fleet.relay.octets - self._octets) / max(told.relayed, 1)
        yield (f"a round: {rows:.0f} rows, {1000 * server_s:.1f} ms of the server's CPU, {1000 * cpu_s:.1f} ms of the "
               f"sender's; {wire:.0f} bytes on the socket both ways, {wire / interval_s:.1f} bytes/s; "
               f"{wal / 1000:.1f} kB of WAL")
        rate = rounds / took_s
        yield (f"in all: {rate:.0f} rounds/s, {rate * rows:.0f} rows/s, {100 * rate * server_s:.0f} % of a core for "
               f"the server, {100 * rate * cpu_s:.0f} % for all senders")
        rate, sending_s = _MANY / interval_s, sum(told.took) / rounds
        daily = _MANY * 1440 * self._asked(_SIZE)
        yield (f"{_MANY} hosts would make {rate:.0f} rounds/s, {rate * rows:.0f} rows/s: {rate * server_s:.1f} cores "
               f"of the server, {rate * wal / 1e6:.1f} MB/s of WAL, {daily / 1e9:.0f} GB of rows and indexes a day, "
               f"{rate * sending_s:.0f} connections at a time, {rate * wire * 8 / 1e6:.1f} Mbit/s")

    def _asked(self, sql: str) -> float:
        with psycopg.connect(self._server.url()) as connection:
            [(number,)] = connection.execute(sql.encode()).fetchall()
        return float(number)
