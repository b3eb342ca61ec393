"""The web pages show tables, rows, points and requests, and never run what a row contains."""

import http.client
from typing import Any
from urllib.parse import quote

import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    TimeseriesKey,
    TimeseriesRow,
    TimeseriesTableMeta,
)

from tests.emulator.harness import Emulator


def page(emulator: Emulator, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def write(client: Any, table: str, k: str, number: int, value: Any) -> None:
    change = ots.Row([("k", k), ("id", number)], [("c", value)])
    client.put_row(table, change, ots.Condition("IGNORE"))


def test_the_first_page_lists_tables_and_requests(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    write(client, table, "a", 1, "x")
    status, text = page(emulator, "/")
    assert status == 200
    assert f'>{table}</a></td><td class="number">1</td>' in text
    assert '<td>PutRow</td><td><span class="good">200</span></td>' in text


def test_rows_are_shown_with_versions_and_in_pages(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for number in range(60):
        write(client, table, "a", number, f"value{number}")
    _, text = page(emulator, f"/-/table?instance=demo&name={table}")
    assert "value0<" in text.replace(" <", "<")
    assert "value59" not in text
    following = text.split('href="/-/table?')[1].split('"')[0].replace("&amp;", "&")
    _, text = page(emulator, f"/-/table?{following}")
    assert "value59" in text


def test_points_are_shown(emulator: Emulator, client: Any) -> None:
    meta = TimeseriesTableMeta("shown_series")
    client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    try:
        series = TimeseriesKey("cpu", "host", {"a": "b"})
        client.put_timeseries_data("shown_series", [TimeseriesRow(series, {"load": 0.5}, 7)])
        _, text = page(emulator, "/-/table?instance=demo&name=shown_series")
        assert "<td>cpu</td><td>host</td>" in text
        assert "<th>load</th>" in text
        assert "<td>0.5</td>" in text
        number = '<td class="number">1</td>'
        assert f"shown_series</a></td>{number}{number}" in page(emulator, "/")[1]
    finally:
        client.delete_timeseries_table("shown_series")


def test_markup_in_rows_is_shown_as_text(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    write(client, table, "<b>k</b>", 1, "<script>alert(1)</script>")
    _, text = page(emulator, f"/-/table?instance=demo&name={table}")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_table_that_is_not_there_is_404(emulator: Emulator) -> None:
    assert page(emulator, "/-/table?instance=demo&name=missing")[0] == 404
    assert page(emulator, "/-/table")[0] == 400
    bad = quote("<script>")
    status, text = page(emulator, f"/-/table?instance=demo&name={bad}")
    assert status == 400
    assert "<script>" not in text


def test_a_wrong_position_is_400(emulator: Emulator) -> None:
    table = emulator.make_table()
    assert page(emulator, f"/-/table?instance=demo&name={table}&from=xyz")[0] == 400
