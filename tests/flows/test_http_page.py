"""The page of the endpoint in a real headless browser: what a person sees, also on a telephone."""

import time
from collections.abc import Iterator

import pytest

from connectors.http_api.models import Point
from connectors.http_api.provider import ProcessProvider
from connectors.http_api.server import Endpoint
from connectors.run.context import Run
from tests.emulator import browser, sdks
from tests.emulator.browser import Browser
from tests.support.wait import until
from tests.unit.http_api.conftest import busy_run

pytestmark = pytest.mark.timeout(600)  # the first run may fetch a browser
MARKUP = "<img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        browser.program()
    except sdks.Missing as reason:
        pytest.skip(f"no browser: {reason}")
    with browser.window() as found:
        yield found


@pytest.fixture
def run() -> Run:
    return busy_run()


@pytest.fixture
def page(run: Run, chromium: Browser) -> Iterator[Endpoint]:
    """The page is open and has its numbers; there are ten minutes of them."""
    provider = ProcessProvider(run)
    now = time.time() // 5 * 5
    for number in range(120):
        lag = 5000 - 30 * number
        provider.sampler._points.append(
            Point(
                time=now - 5 * (119 - number),
                read=7000 * number,
                written=6900 * number,
                rejected=0,
                retried=0,
                bytes=0,
                lag_records=lag,
                lag_seconds=lag / 1000,
            )
        )
    endpoint = Endpoint(provider, "127.0.0.1", 0)
    endpoint.start()
    chromium.resize(1200, 900)
    chromium.open(endpoint.url)
    until(lambda: "snapshots" in chromium.text(), chromium.text)
    yield endpoint
    chromium.open("about:blank")
    endpoint.stop()


def test_a_person_sees_the_flow_and_its_numbers(
    chromium: Browser, page: Endpoint, run: Run
) -> None:
    """Counts, rates, lag, tables, rejections with their reasons, settings; and they move."""
    text = chromium.text()
    for expected in (
        "running",
        "Tablestore",
        "lag 100",
        "50 % full",
        "json_invalid",
        "clicks",
        "colour",
    ):
        assert expected in text
    assert "1,400 /s" in text, "records a second"
    assert "kafka.topics" in text
    assert chromium.run("document.querySelectorAll('#throughput path, #lags path').length") == 4
    run.counts.add("read", 1_000_000)
    until(lambda: "1,000,160" in chromium.text(), chromium.text)
    run.waits.enter("tablestore", "orders")
    run.waits.because("tablestore", "orders", "OTSServerBusy: busy", "OTSServerBusy")
    until(lambda: "OTSServerBusy: busy" in chromium.text(), chromium.text)
    assert chromium.complaints() == []


def test_it_loads_nothing_from_elsewhere(chromium: Browser, page: Endpoint) -> None:
    """It works without the Internet, and says nothing to anybody."""
    names = "performance.getEntriesByType('resource').map((each) => each.name)"
    loaded = chromium.run(names)
    assert {f"{page.url}/page.js", f"{page.url}/page.css"} <= {*loaded}
    assert all(name.startswith(f"{page.url}/") for name in loaded)


def test_markup_in_names_is_text(chromium: Browser, page: Endpoint, run: Run) -> None:
    """A topic or a reason cannot bring a script."""
    run.meters.table(MARKUP).request("OK", 0.1, 1)
    run.meters.waiting_topics = {MARKUP: MARKUP}
    run.meters.partition(MARKUP, 0, 1, True)
    until(lambda: chromium.text().count(MARKUP) >= 4, chromium.text)
    assert chromium.run("window.hacked") is None
    assert chromium.run("document.images.length") == 0


@pytest.mark.parametrize("width", [360, 800])
def test_it_fits_a_telephone(chromium: Browser, page: Endpoint, width: int) -> None:
    """Nothing is wider than the screen; wide tables scroll by themselves."""
    chromium.resize(width, 740, is_telephone=True)
    chromium.open(page.url)
    until(lambda: "snapshots" in chromium.text(), chromium.text)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.run("parseFloat(getComputedStyle(document.body).fontSize)") >= 14


def test_a_run_that_is_gone_is_said_to_be_gone(chromium: Browser, page: Endpoint) -> None:
    """Old numbers are not taken for new ones."""
    page.stop()
    until(lambda: "what is shown is old" in chromium.text(), chromium.text)
