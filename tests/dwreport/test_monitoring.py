"""What packaging/ has for Prometheus and Grafana: a real Prometheus reads it, and its queries run."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Drop, DropKey, Instant, Interface, Kind, Location, Watch, Watching, Window
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History

ROOT = Path(__file__).parents[2]
RULES = ROOT / "packaging/prometheus/dropwatchd.rules.yml"
DASHBOARDS = sorted((ROOT / "packaging/grafana").glob("*.json"))
CI = os.environ.get("CI") == "true"
DEADLINE_S = 60


def _needs(program: str) -> None:
    if not shutil.which(program):
        assert not CI, f"CI installs {program}"
        pytest.skip(f"needs {program}")


def _promtool(*words: str, given: str = "") -> str:
    _needs("promtool")
    done = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def metrics(history: History, tmp_path: Path) -> Path:
    """Return metrics of a daemon that runs, in both formats."""
    now_ns = time.time_ns()
    key = DropKey(Location("udp_queue_rcv_one_skb"), Kind("SOCKET_RCVBUFF"), Interface(1, 2, 'e"\\th\n0', "init", 9))
    writer = Writer(history.path, Identity("web-3", "m-1", "b-1", "6.18.0"))
    since, now = (Instant(ns, ns) for ns in (now_ns - 100 * NANO, now_ns))
    writer.start(since)
    writer.write(Batch(windows=[Window(now_ns, NANO, Drop(key, 12345, None, now_ns, now_ns))],
                       watches=[Watch(Watching("software", "bpf"), since, now)]))
    unit = (ROOT / "packaging/prometheus/dropwatchd-metrics.service").read_text()
    (command,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, *words = command.partition("=")[2].split()
    assert program == "/usr/bin/dwreport"
    for given, name in ((words, "prometheus"), (["metrics"], "openmetrics")):
        assert run([*given, "--output", str(tmp_path / name), "--database", str(history.path)]) == 0
    writer.close()
    return tmp_path


def test_promtool_finds_nothing_in_the_metrics(metrics: Path) -> None:
    """Names, help and types, in the format that node_exporter reads."""
    assert _promtool("check", "metrics", given=(metrics / "prometheus").read_text()) == ""


ALERTS = """
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'dropwatchd_network_packet_dropped_all_total{{instance="a", job="n"}}'
        values: '5x40'
      - series: 'dropwatchd_network_packet_dropped_total{{{harm}, cause="old", reason="R"}}'
        values: '5+20x40'
      - series: 'dropwatchd_network_packet_dropped_total{{{harm}, cause="new", reason="S"}}'
        values: '_x15 500 500x20'
      - series: 'dropwatchd_network_packet_dropped_total{{{harm}, cause="still", reason="T"}}'
        values: '900000x40'
      - series: 'dropwatchd_up{{instance="a", job="n"}}'
        values: '1x10 0x30'
      - series: 'dropwatchd_coverage_ratio{{instance="a", job="n", watched="software"}}'
        values: '1x10 0.5x30'
      - series: 'dropwatchd_gap_lost_packets{{instance="a", job="n", cause="map full"}}'
        values: '0x10 7x30'
    alert_rule_test:
      - {{eval_time: 9m, alertname: DropsNotRecorded}}
      - {{eval_time: 9m, alertname: DropsPartlyUnwatched}}
      - {{eval_time: 9m, alertname: DropsLostToTheRecord}}
    promql_expr_test:
      - expr: count by (alertname, cause) (ALERTS{{alertstate="firing"}})
        eval_time: 20m
        exp_samples:
          - {{labels: '{{alertname="PacketsDroppedHarmfully", cause="old"}}', value: 1}}
          - {{labels: '{{alertname="PacketsDroppedHarmfully", cause="new"}}', value: 1}}
          - {{labels: '{{alertname="DropsNotRecorded"}}', value: 1}}
          - {{labels: '{{alertname="DropsLostToTheRecord"}}', value: 1}}
      - expr: count(ALERTS{{alertname="DropsPartlyUnwatched", alertstate="firing"}})
        eval_time: 30m
        exp_samples: [{{labels: '{{}}', value: 1}}]
"""


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """On drops of a cause that is new too, and not on what was dropped long ago."""
    harm = 'instance="a", job="n", severity="harmful", network_interface_name="eth0", network_namespace="init"'
    test = tmp_path / "test.yml"
    test.write_text(ALERTS.format(rules=RULES, harm=harm))
    assert "SUCCESS" in _promtool("check", "rules", str(RULES))
    assert "SUCCESS" in _promtool("test", "rules", str(test))


def _targets(dashboard: Path) -> list[dict[str, Any]]:
    return [target for panel in json.loads(dashboard.read_text())["panels"] for target in panel["targets"]]


def _set(text: str, values: dict[str, str]) -> str:
    """Put values in the place of Grafana's variables."""
    return re.sub(r"\$(\w+)", lambda name: values[name[1]], text)


def test_the_queries_of_the_dashboards_are_promql(tmp_path: Path) -> None:
    """Of metrics that there are: each name stands in the text of the command."""
    values = {"__range": "6h", "__rate_interval": "5m", "instance": ".*", "severity": ".*"}
    queries = [_set(target["expr"], values) for board in DASHBOARDS for target in _targets(board) if "expr" in target]
    assert len(queries) == 12
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in _promtool("check", "rules", str(file))
    code = (ROOT / "dwreport/views/_metrics.py").read_text()
    names = set(re.findall(r"\bdropwatchd_\w+", " ".join(queries) + RULES.read_text()))
    known = set(re.findall(r'Family\("(\w+)", "gauge"', code)) | {
        f"{name}_total" for name in re.findall(r'Family\("(\w+)", "counter"', code)}
    assert len(names) > 6
    assert names <= known


def test_the_dashboards_sql_finds_what_is_on_record(history: History) -> None:
    """Each query gives rows, drops add up, and of two watches that overlap the time counts once."""
    lately = history.run()
    for second in (1, 100, 4000):
        history.drop(lately, START_NS + second * NANO, 1000)
    history.drop(lately, START_NS + 200 * NANO, 7, reason=None, name=None)
    history.counter(lately, "UdpRcvbufDrops", 5)
    history.gap(lately, START_NS + 900 * NANO, START_NS + 1800 * NANO, lost=3)
    history.watch(lately, "software", "net_dm", START_NS + 100 * NANO, START_NS + 1000 * NANO)
    history.event(lately, START_NS + NANO, "link down", "eth0")
    values = {"__from": str(START_NS // 10**6), "__to": str((START_NS + HOUR_NS) // 10**6), "__interval_ms": "60000"}
    found: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(f"file:{history.path}?mode=ro", uri=True)) as connection:
        for board in DASHBOARDS:
            for panel in json.loads(board.read_text())["panels"]:
                for target in panel["targets"]:
                    if "queryText" in target:
                        assert target["queryText"] == target["rawQueryText"]
                        found[panel["title"]] = connection.execute(_set(target["queryText"], values)).fetchall()
    assert found["Watched, of this time"] == [(pytest.approx(1 - 800 / 3600),)]
    assert found["Lost to the record"] == [(3,)]
    for title in ("Drops, by the kernel's reason", "By interface and namespace", "By kernel function"):
        assert sum(row[2] for row in found[title]) == 2007
        assert all(START_NS // NANO <= row[0] < (START_NS + HOUR_NS) // NANO and row[0] % 60 == 0
                   for row in found[title])
    assert sum(row[0] for row in found["Drops in this time"]) == 2007
    assert all(found.values())
    assert len(found) == 10


@pytest.fixture
def page(metrics: Path, history: History) -> Iterator[int]:
    """Return the port of a socket that is served as systemd does it: by a process for each connection."""
    _needs("systemd-socket-activate")
    unit = (ROOT / "packaging/prometheus/dropwatchd-metrics-http@.service").read_text()
    (command,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, *words = command.partition("=")[2].split()
    assert program == "/usr/bin/dwreport"
    port = _free_port()
    own = Path(sys.executable).with_name("dwreport")
    process = subprocess.Popen(["systemd-socket-activate", "--accept", "--inetd", f"--listen=127.0.0.1:{port}", own,
                                *words, "--database", history.path], stderr=(metrics / "activated").open("w"))
    yield port
    process.terminate()
    process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_request_is_answered_and_what_is_none_too(page: int, metrics: Path) -> None:
    """The same text as in a file; of other places and methods it is said that there are none."""
    text = _get(page, "/metrics")
    assert text.startswith("HTTP/1.0 200 ")
    assert "application/openmetrics-text" in text
    assert "dropwatchd_network_packet_dropped_all_total 12345\n" in text
    assert text.endswith("# EOF\n")
    assert _get(page, "/etc/passwd").startswith("HTTP/1.0 404 ")
    assert _get(page, "/metrics", "POST").startswith("HTTP/1.0 501 ")
    assert "Traceback" not in (metrics / "activated").read_text()


def test_http_takes_a_socket(history: History) -> None:
    """One line says where one is."""
    done = subprocess.run([Path(sys.executable).with_name("dwreport"), "metrics", "--http", "--database", history.path],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--http takes a socket" in done.stderr
    assert done.stderr.count("\n") == 1


def _get(port: int, path: str, method: str = "GET") -> str:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                client.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
                return b"".join(iter(lambda: client.recv(65536), b"")).decode()
        assert time.monotonic() < deadline, "nobody listens"
        threading.Event().wait(0.05)


def test_a_prometheus_scrapes_them(page: int, tmp_path: Path) -> None:
    """As OpenMetrics; the alerts load, and one fires."""
    _needs("prometheus")
    port = _free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "n", "static_configs": [{"targets": [f"127.0.0.1:{page}"]}]}]}))
    process = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}", "--log.level=error",
         f"--web.listen-address=127.0.0.1:{port}"], cwd=tmp_path, env={**os.environ, "GOMAXPROCS": "1"})
    try:
        (dropped,) = _answer(port, "dropwatchd_network_packet_dropped_total")
        assert dropped["value"][1] == "12345"
        assert dropped["metric"]["network_interface_name"] == r'e"\th\x0a0'
        assert dropped["metric"]["severity"] == "harmful"
        (lives,) = _answer(port, "dropwatchd_up")
        assert lives["value"][1] == "1"
        assert len(_answer(port, "count by (__name__) ({__name__=~'dropwatchd_.+_total'})")) == 2
    finally:
        process.terminate()
        process.wait()


def _answer(port: int, query: str) -> list[dict[str, Any]]:
    """Return what a query finds, as soon as it finds anything."""
    url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            found = []
        if found:
            return found
        threading.Event().wait(0.1)
    raise AssertionError(f"nothing for {query}")
