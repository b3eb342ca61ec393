"""The web page in a real headless browser: what a person sees and clicks."""

from collections.abc import Iterator
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    TimeseriesKey,
    TimeseriesRow,
    TimeseriesTableMeta,
)

from tests.emulator import browser, sdks
from tests.emulator.browser import Browser
from tests.emulator.harness import Emulator

pytestmark = pytest.mark.timeout(600)  # the first run may fetch a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        browser.program()
    except sdks.Missing as reason:
        pytest.skip(f"no browser: {reason}")
    with browser.window() as found:
        yield found


@pytest.fixture
def filled(emulator: Emulator) -> Iterator[str]:
    """A table of 60 rows, one of them with markup in it, and a time series table."""
    client = emulator.client()
    table = emulator.make_table(max_version=2)
    ignore = ots.Condition("IGNORE")
    for number in range(60):
        value = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
        cells: list[Any] = [("name", value if number == 0 else f"value{number}"), ("paid", True)]
        client.put_row(table, ots.Row([("k", "a"), ("id", number)], cells), ignore)
    meta = TimeseriesTableMeta("seen_series")
    client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    points = [TimeseriesRow(TimeseriesKey("cpu", "host", {"a": "b"}), {"load": 0.5}, 7)]
    client.put_timeseries_data("seen_series", points)
    yield table
    client.delete_timeseries_table("seen_series")


def test_a_person_finds_tables_rows_points_and_requests(
    emulator: Emulator, chromium: Browser, filled: str
) -> None:
    chromium.open(emulator.url)
    first = chromium.text()
    for expected in ("Local Tablestore", filled, "seen_series", "PutTimeseriesData", "demo"):
        assert expected in first
    chromium.click(filled)
    rows = chromium.text()
    assert "value1\t" in rows
    assert "value59" not in rows
    chromium.click("More")
    assert "value59" in chromium.text()
    chromium.click("All tables")
    chromium.click("seen_series")
    assert "0.5" in chromium.text()
    chromium.click("Local Tablestore")
    assert "Last 25 requests" in chromium.text()
    assert chromium.complaints() == []


def test_markup_in_rows_is_text_to_the_browser(
    emulator: Emulator, chromium: Browser, filled: str
) -> None:
    """Nothing that a row contains is run or loaded."""
    chromium.open(f"{emulator.url}/-/table?instance=demo&name={filled}")
    assert "<script>window.hacked=1</script>" in chromium.text()
    assert chromium.run("window.hacked") is None
    assert chromium.run("document.images.length") == 0
    assert chromium.complaints() == []


def test_the_page_fits_its_window_and_is_drawn(
    emulator: Emulator, chromium: Browser, filled: str
) -> None:
    """No sideways scrolling, styles applied, text darker than its ground, a picture not empty."""
    chromium.open(emulator.url)
    assert chromium.run("document.documentElement.scrollWidth <= window.innerWidth")
    colours = chromium.run(
        "['color', 'backgroundColor'].map(name => getComputedStyle(document.body)[name])"
    )
    assert colours[0] != colours[1]
    assert chromium.run("getComputedStyle(document.querySelector('table')).width") != "auto"
    picture = chromium.screenshot()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_what_goes_wrong_in_a_page_is_reported(emulator: Emulator, chromium: Browser) -> None:
    """So that no complaint means that there was none."""
    chromium.open(f"{emulator.url}/-/no-such-page")
    assert any("404" in complaint for complaint in chromium.complaints())
    assert chromium.complaints() == []
