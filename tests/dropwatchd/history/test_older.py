"""What older revisions recorded, as watches: no moment that their ledger calls blind, and each other one."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.history.older import old_watches, selects

_SPANS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted)


@given(st.lists(st.tuples(_SPANS, st.sampled_from(["bpf", "bpf + net_dm (hardware)", "net_dm (software, hardware)"])),
                min_size=1, max_size=3),
       st.lists(st.tuples(_SPANS, st.sampled_from(["software", "hardware", "drops", "packets"])), max_size=5))
def test_runs_watched_all_but_what_is_blind(
    runs: list[tuple[list[int], str]], gaps: list[tuple[list[int], str]],
) -> None:
    """Whoever wrote the gap: the next run tells of the time before it."""
    watches = old_watches([(number, source, *span) for number, (span, source) in enumerate(runs)],
                          [(99, *span, scope) for span, scope in gaps])
    for number, (span, source) in enumerate(runs):
        for what in ("software", "hardware"):
            seen = what == "software" or "hardware" in source
            for moment in (second + 0.5 for second in range(60)):
                blind = any(since < moment < until for (since, until), scope in gaps if scope in {what, "drops"})
                assert any(run == number and kind == what and since < moment < until
                           for run, kind, _name, since, until in watches) \
                    == (seen and span[0] < moment < span[1] and not blind)


def test_a_run_without_a_source_watched_no_drops() -> None:
    """That it ran is known, and nothing else."""
    assert old_watches([(1, "none", 5, 9)], []) == [(1, "daemon", "", 5, 9)]


@pytest.mark.parametrize(("collector", "namespace", "watched"), [
    ((10, 90), (20, 80), [(20, 80)]), ((30, 70), (20, 80), [(30, 70)]), ((10, 30), (20, 80), [(20, 30)]),
    ((10, 15), (20, 80), []),
])
def test_counters_were_watched_while_both_were_read(
    collector: tuple[int, int], namespace: tuple[int, int], watched: list[tuple[int, int]],
) -> None:
    """The collector, and the namespace: older histories have the times of each."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE collector_runs (run_id, collector, first_ns, last_ns)")
        connection.execute("CREATE TABLE namespace_runs (run_id, netns, first_ns, last_ns)")
        connection.execute("CREATE TABLE runs (id, started_ns, last_seen_ns)")
        connection.execute("CREATE TABLE namespaces (id, inode)")
        connection.execute("INSERT INTO collector_runs VALUES (1, 'snmp', ?, ?)", collector)
        connection.execute("INSERT INTO namespace_runs VALUES (1, 7, ?, ?)", namespace)
        connection.execute("INSERT INTO runs VALUES (1, 0, 99)")
        found = connection.execute(
            f"SELECT since_ns, until_ns FROM ({selects(str)['watches']})").fetchall()  # noqa: S608 - the text under test
    assert found == watched
