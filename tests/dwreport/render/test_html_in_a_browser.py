"""The page of dwreport export --html in a real browser: drawn, zoomed, filtered, sorted, read by keys, printed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from dropwatchd.model import NANO
from tests.dwreport.conftest import HOUR_NS, START_NS, History
from tests.dwreport.render.paged import fill

CI = os.environ.get("CI") == "true"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
Looked = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests, with an empty profile."""
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not CI, "CI installs chromium"
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that was made in India, where half past three is ten o'clock UTC."""
    folder = tmp_path_factory.mktemp("page")
    history = History(folder / "history.db")
    fill(history)
    history.close()
    window = ["--since", f"@{START_NS // NANO}", "--until", f"@{(START_NS + HOUR_NS) // NANO}"]
    subprocess.run([sys.executable, "-m", "dwreport", "--database", history.path, *window, "export", "--html",
                    folder / "page.html"], check=True, capture_output=True, env={**os.environ, "TZ": "Asia/Kolkata"})
    return folder / "page.html"


@pytest.fixture
def look(browser: Browser, file: Path) -> Looked:
    """Return what opens the page as somebody in New York, and holds it to silence: no message, no error, no request."""
    @contextmanager
    def opened(**how: Any) -> Iterator[Page]:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, "timezone_id": "America/New_York",
                                         "reduced_motion": "reduce", **how})
        page, said = context.new_page(), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(file.as_uri())
        yield page
        assert said == [file.as_uri()]
        assert not page.evaluate("'pwned' in window")
        context.close()

    return opened


def _zoom(page: Page) -> tuple[float, float]:
    """Return the time that is shown, as minutes of the window, from what the page says of it."""
    page.mouse.move(0, 0)
    words = page.locator("#readout b").inner_text().split()
    return _minutes(words[1]), _minutes(words[-2])


def _minutes(clock: str) -> float:
    hours, minutes, seconds = map(int, clock.split(":"))
    return (hours - 15) * 60 + minutes - 30 + seconds / 60


def _over(page: Page, of: str = "#chart") -> Callable[[float], tuple[float, float]]:
    """Return where a minute of the window is in a chart that shows all of it."""
    box = page.locator(f"{of} .u-over").bounding_box()
    assert box
    return lambda minute: (box["x"] + minute / 60 * box["width"], box["y"] + box["height"] / 2)


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def _texts(cells: Locator) -> list[str]:
    return cells.all_inner_texts()


def test_time_is_read_by_pointer_and_key(look: Looked) -> None:
    """On the clock of the report, not of the reader; what was not watched is never called none."""
    with look() as page:
        at, readout = _over(page), page.locator("#readout")
        assert _zoom(page) == (0, 60)
        page.mouse.move(*at(9.95))
        assert readout.inner_text() == "2025-11-22 15:39:50 to 15:40:00 IST · none dropped · link down eth0 (carrier)"
        page.mouse.move(*at(10.2))
        assert readout.inner_text() == "2025-11-22 15:40:10 to 15:40:20 IST · 500 dropped · #1 500"
        page.mouse.move(*at(10.05))
        assert readout.inner_text().startswith("2025-11-22 15:40:00 to 15:40:10 IST · 503 dropped · #1 500 · #4 3 · ")
        page.mouse.move(*at(0.6))
        assert readout.inner_text() == "2025-11-22 15:30:30 to 15:30:40 IST · none dropped"
        page.mouse.move(*at(40))
        assert readout.inner_text().endswith(" IST · not known · not watched")
        page.mouse.move(0, 0)
        page.locator("#chart").focus()
        page.keyboard.press("ArrowRight")
        assert readout.inner_text().startswith("2025-11-22 15:30:00 to 15:30:10 IST")
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
        assert readout.inner_text().startswith("2025-11-22 15:30:10 to 15:30:20 IST")
        assert readout.get_attribute("aria-live") == "polite"


def test_time_is_chosen_by_drag_buttons_and_keys(look: Looked) -> None:
    """In the chart and in the strip below it; events and gaps follow."""
    with look() as page:
        at, below = _over(page), _over(page, "#brush")
        assert page.locator("#events tbody tr:visible").count() == 2
        _drag(page, at(20), at(50))
        since, until = _zoom(page)
        assert (round(since), round(until)) == (20, 50)
        assert page.locator("#events tbody tr:visible").count() == 0
        assert page.locator("#gaps tbody tr:visible").count() == 1
        assert page.locator("#gaps .of").inner_text() == "1 of 3 shown"
        page.mouse.move(*at(30))
        assert page.locator("#readout").inner_text().startswith("2025-11-22 16:05:")  # the middle
        page.mouse.dblclick(*at(30))
        assert _zoom(page) == (0, 60)
        assert page.locator("#gaps .of").inner_text() == "3"
        _drag(page, below(5), below(15))
        assert [round(end) for end in _zoom(page)] == [5, 15]
        for name, wanted in (("Zoom out", [0, 20]), ("Zoom in", [5, 15]), ("Later", [10, 20]), ("Earlier", [5, 15])):
            page.get_by_role("button", name=name, exact=True).click()
            assert [round(end) for end in _zoom(page)] == wanted
        page.locator("#chart").focus()
        for key, wanted in (("+", [8, 12]), ("PageDown", [10, 15]), ("PageUp", [8, 12]), ("-", [5, 15]),
                            ("Escape", [0, 60])):
            page.keyboard.press(key)
            assert [round(end) for end in _zoom(page)] == wanted
        for _ in range(12):
            page.keyboard.press("+")
        since, until = _zoom(page)
        assert until - since == pytest.approx(0.5)


def test_time_is_chosen_by_fingers(look: Looked) -> None:
    """One moves it, two spread it about what they hold, a tap reads; up and down is left for the page to scroll."""
    with look(has_touch=True) as page:
        at, below = _over(page), _over(page, "#brush")
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *places: tuple[float, float]) -> None:
            touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [
                {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]})

        def stroke(starts: list[tuple[float, float]], ends: list[tuple[float, float]]) -> list[int]:
            fingers("Start", *starts)
            for part in (0.2, 0.6, 1):
                fingers("Move", *((x + (to - x) * part, y) for (x, y), (to, _y) in zip(starts, ends, strict=True)))
            fingers("End")
            return [round(minute) for minute in _shown(page)]

        page.locator("#chart").scroll_into_view_if_needed()
        assert stroke([at(20), at(40)], [at(10), at(50)]) == [15, 45]
        assert stroke([at(40)], [at(20)]) == [25, 55]
        assert stroke([at(10), at(50)], [at(20), at(40)]) == [0, 60]
        assert stroke([at(20), at(40)], [at(0), at(60)]) == [20, 40]
        assert stroke([below(30)], [below(20)]) == [10, 30]
        page.touchscreen.tap(*below(40))
        assert [round(minute) for minute in _shown(page)] == [30, 50]
        page.get_by_role("button", name="All", exact=True).first.tap()
        page.touchscreen.tap(*at(10.2))
        assert page.locator("#readout").inner_text() == "2025-11-22 15:40:10 to 15:40:20 IST · 500 dropped · #1 500"
        assert page.evaluate("getComputedStyle(document.querySelector('#chart .u-over')).touchAction") == "pan-y"


def _shown(page: Page) -> tuple[float, float]:
    """Return the time that is shown, as minutes of the window, where there is no pointer to be moved away."""
    found: list[float] = page.evaluate("""() => {
        const [strip, mark] = ['.u-over', '.u-select'].map((one) => document.querySelector(`#brush ${one}`));
        const [whole, part] = [strip, mark].map((one) => one.getBoundingClientRect());
        return part.width < 1 || part.right < whole.left ? [0, 60]
          : [part.left - whole.left, part.right - whole.left].map((x) => x / whole.width * 60);
    }""")
    return found[0], found[1]


def _colours(page: Page, minute: float) -> list[int]:
    """Return how many colours a column of the chart has, and how much of it has none of a background."""
    found: list[int] = page.evaluate("""minute => {
        const [canvas, over] = ['canvas', '.u-over'].map((one) => document.querySelector(`#chart ${one}`));
        const [outer, inner] = [canvas, over].map((one) => one.getBoundingClientRect());
        const scale = canvas.width / outer.width;
        const x = Math.round((inner.left - outer.left + inner.width * minute / 60) * scale);
        const [top, height] = [(inner.top - outer.top) * scale + 2, inner.height * scale - 4];
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(x, top, 1, height);
        const pixels = Array.from({ length: height }, (_, row) => data.slice(row * 4, row * 4 + 4).join());
        return [new Set(pixels).size, pixels.filter((pixel) => pixel !== '0,0,0,0').length, pixels.length];
    }""", minute)
    return found


def test_what_was_not_watched_is_shaded_from_top_to_bottom(look: Looked) -> None:
    """And a step in which nothing was dropped is not; one with drops has a bar as high as they are."""
    with look() as page:
        _many, filled, height = _colours(page, 40.3)
        assert filled == height
        assert _colours(page, 0.55)[1] < height / 10  # lines of the grid
        assert height / 2 < _colours(page, 10.08)[1] < height


def test_findings_are_chosen(look: Looked) -> None:
    """In the key of the time line, and by a card's button; cards, rows and bars follow."""
    with look() as page:
        cards, rows = page.locator("article:visible"), page.locator("#drops tbody tr:visible")
        whole, drops = cards.count(), rows.count()
        assert (whole, drops) == (6, 4)
        height = _colours(page, 10.08)[1]
        page.locator("#choices input").first.uncheck()
        assert (cards.count(), rows.count()) == (whole - 1, drops - 1)
        assert page.locator("#findings .of").inner_text() == f"{whole - 1} of {whole} shown"
        page.mouse.move(*_over(page)(10.05))
        assert " · 503 dropped · #4 3 · " in page.locator("#readout").inner_text()
        page.get_by_role("button", name="None", exact=True).click()
        assert (cards.count(), rows.count()) == (0, 0)
        page.locator("#filter").get_by_role("button", name="All", exact=True).click()
        assert (cards.count(), rows.count()) == (whole, drops)
        assert _colours(page, 10.08)[1] == height
        page.locator('[data-only="4"]').click()
        assert _texts(page.locator("article:visible .number")) == ["4"]
        assert _texts(page.locator("#drops tr:visible td:first-child")) == ["#4"]
        assert _colours(page, 10.08)[1] > height * 0.9  # three packets are now as high as five hundred were
        page.get_by_role("button", name="Show all again").click()
        assert cards.count() == whole
        page.get_by_role("button", name="Log scale").click()
        assert page.get_by_role("button", name="Log scale").get_attribute("aria-pressed") == "true"
        assert _colours(page, 40.3)[1] == _colours(page, 40.3)[2]


def test_tables_are_sorted(look: Looked) -> None:
    """Numbers with the greatest first, names with the first, what is not known last either way."""
    with look() as page:
        def column(section: str, place: int) -> list[str]:
            return _texts(page.locator(f"#{section} tbody td:nth-child({place})"))

        count = page.locator("#drops th", has_text="Count")
        for wanted, order in (([6000, 114, 40, 7], "descending"), ([7, 40, 114, 6000], "ascending")):
            count.get_by_role("button").click()
            assert [int(cell.replace(" ", "")) for cell in column("drops", 2)] == wanted
            assert count.get_attribute("aria-sort") == order
        page.locator("#drops th", has_text="Interface").get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert [cell[:4] for cell in column("drops", 7)][-1] == "lo"
        assert count.get_attribute("aria-sort") is None
        for known in (["1 100", "12"], ["12", "1 100"]):
            page.locator("#gaps th", has_text="Lost").get_by_role("button").click()
            assert column("gaps", 4) == [*known, "unknown"]


def _is_open_to_all(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("how", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 380, "height": 800}}])
def test_nothing_keeps_anybody_out(look: Looked, how: dict[str, Any]) -> None:
    """Axe finds nothing: contrast, names, roles, order; the same while findings are left out, and by the other look."""
    with look(**how) as page:
        page.locator("details summary").first.click()
        _is_open_to_all(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("#choices input").first.uncheck()
        page.get_by_role("button", name="Light" if how.get("color_scheme") else "Dark", exact=True).click()
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert back == ("rgb(246, 247, 249)" if how.get("color_scheme") else "rgb(18, 21, 26)")
        _is_open_to_all(page)


def test_paper_has_all_of_it(look: Looked) -> None:
    """Unfolded, light whatever the screen is, without what only a pointer needs."""
    with look(color_scheme="dark") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details[open]").count() == page.locator("article").count()
        page.emulate_media(media="print")
        assert page.locator("article dl:visible").count() == page.locator("article").count()
        assert page.locator("button:visible").count() == 0
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("document.querySelector('#chart canvas').getBoundingClientRect().width") <= 680
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("article dl:visible").count() == 0
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
        assert page.pdf().startswith(b"%PDF")


def test_the_chart_is_as_wide_as_its_page(look: Looked) -> None:
    with look() as page:
        for width in (500, 1000):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(
                "width => innerWidth === width && ['chart', 'brush'].every((id) =>"
                " document.getElementById(id).clientWidth === document.querySelector(`#${id} canvas`).clientWidth)",
                arg=width)
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_scripts_all_but_the_time_line_is_there(look: Looked) -> None:
    """As where mail is read: findings, evidence, tables."""
    with look(java_script_enabled=False) as page:
        assert page.locator("article:visible").count() == 6
        page.locator("details summary").first.click()
        assert "SOCKET_RCVBUFF: 6 000 events" in page.locator("details").first.inner_text()
        assert page.locator("#drops tbody tr:visible").count() == 4
        assert page.locator("#time").is_hidden()
        assert page.locator("main button:visible").count() == 0
