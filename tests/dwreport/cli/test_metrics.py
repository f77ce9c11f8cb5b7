"""Metrics: a parser of OpenMetrics reads them, their sum is the total, and they never fall."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older_families

from dropwatchd.history.write import totals
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import (
    NANO,
    Drop,
    DropKey,
    Effect,
    Gap,
    GapCause,
    Instant,
    Interface,
    Kind,
    Location,
    Watch,
    Watching,
    Window,
)
from dwreport.__main__ import run
from dwreport.render.openmetrics import Family, Sample, lines
from dwreport.text import clean
from tests.dwreport.conftest import History

DROPPED = "dropwatchd_network_packet_dropped"
HOSTILE = 'a"b\\c\n{}=,#\u202e\x1b[0m'
NOW_NS = 0  # each test's own
HOUR_NS = 3600 * NANO
Asked = Callable[..., dict[str, Metric]]


def _at(time_ns: int) -> Instant:
    return Instant(time_ns, time_ns)


def _window(time_ns: int, count: int, reason: str | None = "SOCKET_RCVBUFF", name: str | None = "eth0") -> Window:
    key = DropKey(Location("udp_queue_rcv_one_skb", 1), Kind(reason, 0x0800), Interface(1, 2, name, "init", 9))
    return Window(time_ns, NANO, Drop(key, count, None, time_ns, time_ns))


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test have a now of its own: this module may be read long before they run."""
    monkeypatch.setitem(globals(), "NOW_NS", time.time_ns())


@pytest.fixture
def writer(history: History) -> Iterator[Writer]:
    """Return a daemon's writer whose run began an hour ago."""
    made = Writer(history.path, Identity("web-3", "m-1", "b-1", "6.18.0"))
    made.start(_at(NOW_NS - HOUR_NS))
    yield made
    made.close()


@pytest.fixture
def asked(history: History, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Return what gives the metrics by their names."""
    def ask(*words: str) -> dict[str, Metric]:
        assert run(["metrics", "--database", str(history.path), *words]) == 0
        text = capsys.readouterr().out
        return {family.name: family for family in text_string_to_metric_families(text)}

    return ask


def _value(families: dict[str, Metric], name: str, **labels: str) -> float:
    family = families[name]
    (value,) = [sample.value for sample in family.samples if labels.items() <= sample.labels.items()
                and not sample.name.endswith("_created")]
    return float(value)


def test_drops_are_counted_by_place_reason_and_cause(writer: Writer, asked: Asked) -> None:
    """From the beginning of the history, whose time is told; hostile names stay in their labels."""
    writer.write(Batch(windows=[_window(NOW_NS - NANO, 3), _window(NOW_NS - NANO, 7, name=HOSTILE),
                                _window(NOW_NS - NANO, 5, None, None)]))
    found = asked()
    assert _value(found, DROPPED, network_interface_name="eth0", network_namespace="init", reason="SOCKET_RCVBUFF",
                  cause="A socket's receive buffer was full", severity="harmful", origin="software") == 3
    assert _value(found, DROPPED, network_interface_name=clean(HOSTILE)) == 7
    assert _value(found, DROPPED, network_interface_name="unknown", reason="unknown") == 5
    created = {sample.value for sample in found[DROPPED].samples if sample.name.endswith("_created")}
    assert created == {(NOW_NS - HOUR_NS) / NANO}
    assert found[DROPPED].type == "counter"


def test_a_count_has_all_its_digits() -> None:
    family = Family("some", "counter", "a\nb\\", [Sample({"x": "\n"}, 2**60 + 1, 1.5)])
    assert "".join(lines([family], "openmetrics")).splitlines() == [
        r"# HELP some a\\x0ab\\", "# TYPE some counter", r'some_total{x="\\x0a"} 1152921504606846977',
        r'some_created{x="\\x0a"} 1.5', "# EOF"]
    assert "".join(lines([family], "prometheus")).splitlines() == [
        r"# HELP some_total a\\x0ab\\", "# TYPE some_total counter", r'some_total{x="\\x0a"} 1152921504606846977']


def test_counters_neither_fall_nor_differ_from_the_total(
    writer: Writer, asked: Asked, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through more keys than have room, through folding and through expiry; labels have a bound."""
    monkeypatch.setattr(totals, "APART", 3)
    monkeypatch.setattr(totals, "PLACELESS", 2)
    before: dict[str, float] = {}
    total = 0
    for step in range(8):
        time_ns = NOW_NS - HOUR_NS + step * NANO
        writer.write(Batch(windows=[_window(time_ns, 10 + step, f"REASON_{step // 2}", f"veth{step}"),
                                    _window(time_ns, 1)]))
        total += 11 + step
        if step > 4:
            later = _at(NOW_NS + 400 * 24 * HOUR_NS)
            while writer.tidy(RetentionOptions(), later):
                pass
        found = asked()
        now = {str(sample.labels): sample.value for sample in found[DROPPED].samples if sample.name.endswith("_total")}
        assert sum(now.values()) == total == _value(found, f"{DROPPED}_all")
        assert all(now[labels] >= value for labels, value in before.items())
        assert len(now) <= 3 + 2 + 1
        before = now
    assert _value(found, DROPPED, network_interface_name="other", reason="REASON_2") > 0
    assert _value(found, DROPPED, network_interface_name="other", reason="other", cause="other") > 0


def test_coverage_and_ledger_are_among_them(writer: Writer, asked: Asked) -> None:
    """A daemon that lives has watched up to its last write."""
    watched = [Watch(Watching("software", "bpf"), _at(NOW_NS - HOUR_NS), _at(NOW_NS - 1800 * NANO)),
               Watch(Watching("software", "bpf"), _at(NOW_NS - 900 * NANO), _at(time.time_ns()))]
    writer.write(Batch(watches=watched, gaps=[
        Gap(NOW_NS - 1800 * NANO, NOW_NS - 900 * NANO, GapCause.SOURCE_FAILED, Effect.BLIND, None, "software", ""),
        Gap(NOW_NS - 800 * NANO, NOW_NS - 700 * NANO, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 7, "software", "")]))
    found = asked()
    assert _value(found, "dropwatchd_up") == 1
    assert _value(found, "dropwatchd_last_write_timestamp_seconds") >= NOW_NS / NANO
    assert _value(found, "dropwatchd_window_seconds") == 3600
    assert _value(found, "dropwatchd_coverage_ratio", watched="software") == pytest.approx(0.75, abs=0.02)
    assert _value(found, "dropwatchd_unseen_seconds", watched="software") == pytest.approx(900, abs=60)
    assert _value(found, "dropwatchd_watched_seconds", watched="software") == pytest.approx(2700, abs=60)
    assert _value(found, "dropwatchd_gaps", cause="source failed", effect="blind") == 1
    assert _value(found, "dropwatchd_gap_lost_packets", cause="kernel queue overflow") == 7
    assert _value(found, "dropwatchd_gaps_of_unknown_loss") == 1


def test_time_that_a_clock_left_out_was_not_watched(writer: Writer, asked: Asked) -> None:
    """Nor unseen: it never was, so that the two add up to how long it has been."""
    set_ns = NOW_NS - 900 * NANO
    writer.write(Batch(watches=[Watch(Watching("software", "bpf"), _at(NOW_NS - HOUR_NS), _at(NOW_NS - 2700 * NANO)),
                                Watch(Watching("software", "bpf"), _at(set_ns), _at(time.time_ns()))],
                       gaps=[Gap(NOW_NS - 2700 * NANO, set_ns, GapCause.CLOCK_STEP, Effect.DETAIL, 0, "drops",
                                 "+1800.000 s")]))
    found = asked()
    assert _value(found, "dropwatchd_watched_seconds", watched="software") == pytest.approx(1800, abs=60)
    assert _value(found, "dropwatchd_unseen_seconds", watched="software") == pytest.approx(0, abs=60)


def test_who_has_stopped_is_not_up(history: History, asked: Asked) -> None:
    """Nor does a time without a record count as watched."""
    history.run(NOW_NS - 3 * HOUR_NS, NOW_NS - 2 * HOUR_NS)
    found = asked()
    assert _value(found, "dropwatchd_up") == 0
    assert _value(found, "dropwatchd_coverage_ratio", watched="software") == 0
    assert _value(found, f"{DROPPED}_all") == 0
    assert not found[DROPPED].samples


def test_who_died_while_the_clock_was_ahead_is_not_up(writer: Writer, asked: Asked) -> None:
    """Its last word is of a time that has yet to come."""
    writer.write(Batch(watches=[Watch(Watching("software", "bpf"), _at(NOW_NS), _at(time.time_ns() + HOUR_NS))]))
    assert _value(asked(), "dropwatchd_up") == 0


def test_a_file_is_written_whole_in_the_format_that_node_exporter_reads(
    writer: Writer, history: History, tmp_path: Path,
) -> None:
    """Its reader knows no # EOF and no _created."""
    writer.write(Batch(windows=[_window(NOW_NS, 3)]))
    path = tmp_path / "dropwatchd.prom"
    path.write_text("before\n")
    assert run(["metrics", "--dialect", "prometheus", "--output", str(path), "--database", str(history.path)]) == 0
    found = {family.name: family for family in older_families(path.read_text())}
    assert found[DROPPED].type == "counter"
    assert [sample.value for sample in found[DROPPED].samples] == [3]
    assert "EOF" not in path.read_text()


@pytest.mark.parametrize(("words", "said"), [
    (["metrics", "--output", ""], "--output needs the name of a file, this one is empty; - is standard output"),
    (["--interface", "eth0", "metrics"], "metrics has no --interface; it writes all drops, with labels"),
    (["metrics", "--since", "soon"], "unreadable --since"),
    (["metrics"], "this history has 2 hosts, and metrics are of one; name it with --host"),
])
def test_wrong_usage_is_told(history: History, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    history.run()
    history.run(machine_id="m-2", hostname="web-4")
    assert run([*words, "--database", str(history.path)]) == 2
    assert said in capsys.readouterr().err


def test_each_host_of_a_history_has_its_own(history: History, asked: Asked) -> None:
    for number in (1, 2):
        machine = Writer(history.path, Identity(f"web-{number}", f"m-{number}", "b-1", "6.18.0"))
        machine.start(_at(NOW_NS - HOUR_NS))
        machine.write(Batch(windows=[_window(NOW_NS, number)]))
        machine.close()
    assert _value(asked("--host", "web-2"), f"{DROPPED}_all") == 2


def test_an_older_history_has_none(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """To count from nothing what is not added up would be a zero that means "did not look"."""
    history.run()
    history.execute("DROP TABLE totals")
    history.execute("UPDATE alembic_version SET version_num = '0006'")
    assert run(["metrics", "--database", str(history.path)]) == 1
    assert "start dropwatchd once to upgrade it" in capsys.readouterr().err
