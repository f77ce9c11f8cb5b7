"""dwreport export --html: the page has the numbers of the report, is small, and what is hostile in it stays text."""

import base64
import hashlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import unicodedata
from io import BytesIO
from pathlib import Path
from sqlite3 import Connection

import pytest

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from dwreport.__main__ import run
from dwreport.render.html.document import MOST_BYTES, write
from dwreport.report.wanted import NOTHING_MORE
from dwreport.text import fraction, number
from dwreport.views._page import sheet
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report
from tests.dwreport.render.paged import HOSTILE, Page, fill

UPLOT = Path(__file__).parents[3] / "dwreport/render/html/uplot"


class Export:
    """Writes pages of a history, within the hour that its runs last."""

    def __init__(self, history: History, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self._capsys = folder / "page.html", capsys
        self.words = ["--database", str(history.path), "--since", f"@{START_NS // NANO}",
                      "--until", f"@{(START_NS + HOUR_NS) // NANO}", "export", "--html"]

    def __call__(self, *words: str) -> Page:
        self.told(*words)
        return Page(self.file.read_text())

    def told(self, *words: str, code: int = 0) -> str:
        """Return what is told on standard error."""
        assert run([*self.words, str(self.file), *words]) == code
        out, err = self._capsys.readouterr()
        assert out == ""
        return err


@pytest.fixture
def export(history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], utc: None) -> Export:  # noqa: ARG001
    """Return what exports the history."""
    return Export(history, tmp_path, capsys)


def test_the_page_has_the_numbers_and_words_of_the_report(history: History, export: Export, report: Report) -> None:
    """Whatever is in JSON: findings, drops, counters, gaps, events."""
    fill(history)
    page, told = export(), report.json()
    cards = page.root.all("article")
    assert [int(card.attributes["data-f"]) for card in cards] == [row["number"] for row in told["findings"]]
    assert len(cards) > 4
    for card, row in zip(cards, told["findings"], strict=True):
        [packets] = card.all("p", class_="packets")
        assert (packets.attributes["data-v"], packets.text.split(" packet")[0]) == (
            str(row["count"]), number(row["count"]))
        assert card.attributes["class"] == f"card {row['severity'] or 'unknown'}"
        lines = [line.text for line in card.all("li")]
        assert lines == [*map(_printed, row["who"]), *map(_printed, row["evidence"]), *row["hosts"]]
        assert [code.text for code in card.all("code")] == ([_printed(row["advice"])] if row["advice"] else [])
        assert f"Confidence{row['confidence']}" in card.text.replace("\n", "")
    assert page.keys("drops", 1) == [row["count"] for row in told["drops"]]
    assert sorted(page.keys("counters", 0), key=str) == sorted((row["delta"] for row in told["counters"]), key=str)
    assert page.keys("gaps", 3) == [row["lost"] for row in told["coverage"]["gaps"]]
    assert len(page.keys("events", 0)) == len(report.json("timeline")["events"])
    for severity in ("harmful", "suspect", "benign"):
        whole = sum(row["count"] for row in told["findings"] if row["severity"] == severity)
        [tile] = page.one("div", **{"data-tile": severity}).all("dd")
        assert (int(tile.attributes["data-v"]), tile.text) == (whole, number(whole))
    [tile] = page.one("div", **{"data-tile": "coverage"}).all("dd")
    assert tile.text == fraction(told["coverage"]["fraction"])


def _printed(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
                   for char in text)


def test_the_time_line_is_that_of_the_view(history: History, export: Export, report: Report) -> None:
    """Step by step, where both have steps of the same length; of unwatched time nothing is known."""
    fill(history)
    for since, until in ((580, 640), (1770, 1830)):
        window = ["--since", f"@{START_NS // NANO + since}", "--until", f"@{START_NS // NANO + until}"]
        data, rows = export(*window).data, report.json("timeline", *window)["timeline"]
        assert (data["step"], len(rows)) == (1, 60)
        assert data["counts"] == [row["count"] for row in rows]
        assert data["coverage"] == [{"complete": 0, "partial": 1, "blind": 2}[row["coverage"]] for row in rows]
        found = [sum((one["shape"] or {}).get(str(step), 0) for one in data["findings"]) for step in range(60)]
        assert found == [count or 0 for count in data["counts"]]
    assert data["counts"][-30:] == [None] * 30
    assert data["coverage"][-30:] == [2] * 30


def test_what_findings_are_of_adds_up(history: History, export: Export, report: Report) -> None:
    """Over time as in all, and each kind of drops says which finding it belongs to."""
    fill(history)
    page, told = export(), report.json()
    data = page.data
    assert sum(count or 0 for count in data["counts"]) == sum(row["count"] for row in told["drops"])
    for one, row in zip(data["findings"], told["findings"], strict=True):
        assert one["number"] == row["number"]
        assert one["shape"] is None if row["first"] is None else sum(one["shape"].values()) == row["count"]
    by_finding: dict[str, int] = {}
    for cells in page.rows("drops"):
        count = int(cells[1].attributes["data-v"])
        by_finding[cells[0].text] = by_finding.get(cells[0].text, 0) + count
    assert by_finding == {f"#{row['number']}": row["count"] for row in told["findings"] if row["first"]}
    assert sum(count is None for count in data["counts"]) == 1200 // data["step"]


def test_filters_and_severities_choose_as_in_the_report(history: History, export: Export, report: Report) -> None:
    fill(history)
    for words in (["--interface", "lo"], ["--severity", "harmful"], ["--no-benign"], ["--protocol", "!ipv4"],
                  ["--location", "udp*", "--origin", "software"], ["--port", "!5061"]):
        page, told = export(*words), report.json(*words)
        assert shlex.split(" ".join(code.text for code in page.one("header").all("code"))) == words
        assert page.keys("drops", 1) == [row["count"] for row in told["drops"]]
        assert [int(card.attributes["data-f"]) for card in page.root.all("article")] == [
            row["number"] for row in told["findings"]]
        assert sum(count or 0 for count in page.data["counts"]) == sum(row["count"] for row in told["drops"])


def test_the_policy_allows_these_scripts_and_styles_alone(history: History, export: Export) -> None:
    """No other script runs, nothing is fetched, nothing is sent; no element has a style or a handler of its own."""
    fill(history)
    page = export()
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    (style,), (data, script) = page.root.all("style"), page.root.all("script")
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(one.text.encode()).digest()).decode()}'"
              for one in (script, style)]
    assert policy == (f"default-src 'none'; script-src {hashes[0]}; style-src {hashes[1]}; img-src data:; "
                      "base-uri 'none'; form-action 'none'")
    assert data.attributes == {"type": "application/json", "id": "data"}
    names = {name for one in page.root.everything() for name in one.attributes}
    assert not [name for name in names if name.startswith("on") or name in {"style", "src", "srcdoc", "action"}]
    assert {one.attributes["href"] for one in page.root.everything() if "href" in one.attributes} == {"#findings"}


def test_names_of_a_system_are_text(history: History, export: Export) -> None:
    """No name ends a script or begins an element; what turns or hides text is an escape, also within data."""
    fill(history)
    name = HOSTILE.replace("'", "''")
    history.execute(f"UPDATE runs SET hostname = '{name}', kernel = '{name}'")  # noqa: S608
    page = export()
    text = export.file.read_text()
    assert len(page.root.all("script")) == 2
    assert not page.root.all("img")
    assert "<script>window.pwned" not in text
    assert r"\u202e\x1b[31m" in page.one("h1").text
    assert "{{7*7}}" in page.one("h1").text
    assert {char for char in text if unicodedata.category(char) in {"Cc", "Cf"}} == {"\n"}
    assert any(r"\u202e" in event["text"] for event in page.data["events"])


def test_a_page_is_short_whatever_the_history_has(history: History, export: Export) -> None:
    """Thousands of kinds with names of any length; what is left out is told."""
    history.drop(history.run(), START_NS, 5)
    many = "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
    name = "i || replace(hex(zeroblob(i % 3 * 2000)), '0', '<')"
    history.execute(f"{many} INSERT INTO locations SELECT i, {name}, 1, NULL, NULL, 0 FROM n")  # noqa: S608
    history.execute(f"{many} INSERT INTO kinds SELECT i, {name}, 2048, 'software', NULL, NULL, 0 FROM n")  # noqa: S608
    history.execute(f"{many} INSERT INTO drops SELECT window_start_ns, window_width_ns, run_id, i, i, interface_id, i,"  # noqa: S608
                    " bytes, first_ns, last_ns FROM n, drops WHERE location_id = 1")
    told = export.told()
    assert len(export.file.read_bytes()) <= MOST_BYTES
    page = Page(export.file.read_text())
    assert "dwreport: wrote 1 500 findings and 1 500 kinds of drops, " in told
    assert len(page.root.all("article")) == len(page.rows("drops")) in {50, 100}
    assert "rows are in this page" in page.one("section", id="drops").text
    assert re.search(r"and 1 4\d\d more", page.one("section", id="findings").text)


def test_nothing_dropped_is_a_sentence_with_its_coverage(history: History, export: Export) -> None:
    """And where nothing was watched there is no such sentence, nor a zero in the time line."""
    first = history.run()
    page = export()
    assert "No packet was dropped: all of " in page.one("main").text
    assert set(page.data["counts"]) == {0}
    assert "There is no finding in this window." in page.one("section", id="findings").text
    history.gap(first, START_NS, START_NS + HOUR_NS)
    page = export()
    assert "No packet was dropped" not in page.one("main").text
    assert "Nothing watched for drops in this window: whether packets were dropped is unknown." in page.one("main").text
    assert set(page.data["counts"]) == {None}


def test_summer_time_ends_in_the_midst(history: History, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page knows the clock of the report on both sides."""
    import time  # noqa: PLC0415 - its zone is set here alone

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    end = 1_761_440_400  # 2025-10-26 03:00 CEST, which is 02:00 CET
    history.run(START_NS - 90 * 24 * HOUR_NS)
    page = export("--since", f"@{end - 1800}", "--until", f"@{end + 1800}")
    assert page.data["zones"] == [[end - 1800, 7200, "CEST"], [end, 3600, "CET"]]


def test_what_was_written_is_told(history: History, export: Export) -> None:
    fill(history)
    lines = export.told().splitlines()
    kilobytes = -(-len(export.file.read_bytes()) // 1000)
    assert re.fullmatch(rf"dwreport: wrote \d findings and 4 kinds of drops, {kilobytes} kB", lines[0])
    assert lines[1].startswith("dwreport: coverage 66.66 %: ")
    assert len(lines) == 2
    done = subprocess.run([sys.executable, "-m", "dwreport", *export.words, "-"], capture_output=True, check=True)
    made = re.compile(rb"Made [^<]+")
    assert made.sub(b"", done.stdout) == made.sub(b"", export.file.read_bytes())


def test_another_try_begins_anew(history: History) -> None:
    """A history that changed while it was read is read again, into the same file."""
    fill(history)
    out = BytesIO(b"more" * MOST_BYTES)

    def made(connection: Connection) -> bytes:
        write(sheet(Reader(connection, Scope(START_NS, START_NS + HOUR_NS), START_NS + HOUR_NS), NOTHING_MORE), out)
        return out.getvalue()

    first = read(history.path, made)
    assert first.endswith(b"</html>")
    assert read(history.path, made) == first


def test_neither_a_terminal_nor_the_history_is_written_over(history: History, export: Export) -> None:
    history.run()
    master, terminal = pty.openpty()
    done = subprocess.run([sys.executable, "-m", "dwreport", *export.words, "-"], stdout=terminal,
                          stderr=subprocess.PIPE, text=True, check=False)
    os.close(terminal)
    os.close(master)
    assert (done.returncode, done.stderr) == (2, "dwreport: a page is nothing for a terminal; name a file\n")
    export.file.symlink_to(history.path)
    assert "is the history itself; name another file" in export.told(code=2)


def test_what_pages_are_made_with_is_loaded_for_pages_alone(history: History) -> None:
    """A report at a prompt waits for no template."""
    history.run()
    code = ("import sys\nfrom dwreport.__main__ import run\n"
            f"assert run(['--database', {str(history.path)!r}]) == 0\n"
            "assert not [name for name in sys.modules if name.split('.')[0] in ('jinja2', 'markupsafe')]\n"
            "assert 'dwreport.render.html' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_what_is_of_others_is_what_its_note_says() -> None:
    """The version, the files to the byte, and the licence, which every page carries."""
    note = (UPLOT / "README.md").read_text()
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        assert f"`{name}` | `{hashlib.sha256((UPLOT / name).read_bytes()).hexdigest()}`" in note
    [version] = re.findall(r"\| version \| (\S+) \|", note)
    assert f"(v{version})" in (UPLOT / "uPlot.iife.min.js").read_text()[:80]


def test_the_licence_travels_with_it(history: History, export: Export) -> None:
    history.run()
    assert (UPLOT / "uPlot.LICENSE").read_text() in export().root.all("script")[1].text


def test_data_of_the_page_is_plain(history: History, export: Export) -> None:
    """ASCII, without what HTML would read."""
    fill(history)
    export()
    text = export.file.read_text().partition('id="data">')[2].partition("</script>")[0]
    assert text.isascii()
    assert not {*"<>&"} & {*text}
    assert json.loads(text)["until"] == (START_NS + HOUR_NS) / NANO
