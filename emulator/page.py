"""The web pages: tables, their rows and points, recent requests. Read only, no scripts."""

import binascii
import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from emulator import keys, rows
from emulator.errors import ServiceError
from emulator.faults import Faults
from emulator.service import Service
from emulator.tables import Table
from emulator.wire import plainbuffer as pb

_PAGE_ROWS = 50
_SHOWN_CHARACTERS = 200
_SHOWN_REQUESTS = 25
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#222}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}a{color:#0a58ca}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .7rem;
border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}
th{color:#666;font-weight:500}
code{background:#f3f3f3;padding:.1rem .3rem}.none{color:#888}
"""


class Html(str):
    """Text that is markup already; everything else is escaped."""

    __slots__ = ()


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def _link(path: str, query: Mapping[str, str], text: str) -> Html:
    return Html(f'<a href="{escape(path)}?{escape(urlencode(query))}">{escape(text)}</a>')


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in line) + "</tr>" for line in lines
    )
    if not body:
        return '<p class="none">None.</p>'
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )


def error_page(error: ServiceError) -> str:
    """Return the page that tells of an error."""
    return _page(error.code, f'<p>{escape(error.message)}</p><p><a href="/">All tables</a></p>')


def _shown(value: bytes) -> str:
    plain = pb.python_value(value)
    text = f"0x{plain.hex()}" if isinstance(plain, bytes) else str(plain)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)})"


def overview(service: Service, faults: Faults) -> str:
    """Return the first page."""
    options = service.options
    wide, series = [], []
    for table in sorted(service.catalog.all(), key=lambda item: (item.instance, item.name)):
        query = {"instance": table.instance, "name": table.name}
        count = service.store.count(table.prefix, keys.table_end(table.id))
        key = ", ".join(f"{c.name.decode()} {pb.TYPE_NAMES[c.kind][3:]}" for c in table.key)
        wide.append(
            (
                table.instance,
                _link("/-/table", query, table.name),
                count,
                key,
                table.time_to_live,
                table.max_versions,
            )
        )
    for item in service.series.all():
        query = {"instance": item.instance, "name": item.name}
        points = service.store.count(item.data.prefix, item.data_end)
        known = service.store.count(item.series.prefix, item.series_end)
        link = _link("/-/table", query, item.name)
        series.append((item.instance, link, known, points, item.time_to_live))
    data = str(options.data) if options.data else "in memory"
    body = f"<p>Instances {escape(', '.join(options.instances))}. Data: {escape(data)}. "
    body += f"Rows written since the start: {service.journal.rows_written}. "
    body += 'As JSON: <a href="/-/stats">counters</a>, <a href="/-/faults">faults</a>, '
    body += '<a href="/-/answers">answers</a>, <a href="/-/effects">effects</a>.</p>'
    body += "<h2>Tables</h2>" + _table(
        ("instance", "table", "rows", "primary key", "time to live (s)", "versions"), wide
    )
    body += "<h2>Time series tables</h2>" + _table(
        ("instance", "table", "series", "points", "time to live (s)"), series
    )
    body += "<h2>Faults</h2>" + _table(
        ("rule", "fired"),
        ((_rule_text(rule), rule["fired"]) for rule in faults.shown()["rules"]),
    )
    body += f"<h2>Last {_SHOWN_REQUESTS} requests</h2>" + _requests(service)
    return _page("Local Tablestore", body)


def _rule_text(rule: Mapping[str, Any]) -> str:
    hidden = {"fired", "passed"}
    return ", ".join(
        f"{name}={value}"
        for name, value in rule.items()
        if name not in hidden and value not in (None, 0, 0.0, 1.0)
    )


def _requests(service: Service) -> str:
    answers = service.journal.answers_since(0)["answers"][-_SHOWN_REQUESTS:]
    return _table(
        ("time (UTC)", "operation", "status", "code", "fault", "ms", "request id"),
        (
            (
                time.strftime("%H:%M:%S", time.gmtime(answer["time"])),
                answer["api"],
                answer["status"] or "no answer",
                answer["code"] or "",
                answer["fault"] or "",
                answer["milliseconds"],
                answer["request_id"],
            )
            for answer in reversed(answers)
        ),
    )


def table_page(service: Service, query: Mapping[str, str]) -> str:
    """Return a page of rows or points; raises `ServiceError` for a table that is not there."""
    instance, name = query.get("instance", ""), query.get("name", "")
    if service.series.exists(instance, name):
        item = service.series.get(instance, name)
        return _rows_page(service, item.data, item.data_end, query, is_series=True)
    table = service.catalog.get(instance, name)
    return _rows_page(service, table, keys.table_end(table.id), query, is_series=False)


def _rows_page(
    service: Service, table: Table, end: bytes, query: Mapping[str, str], is_series: bool
) -> str:
    begin = table.prefix
    try:
        begin = max(begin, bytes.fromhex(query.get("from", "")))
    except (ValueError, binascii.Error):
        raise ServiceError("OTSParameterInvalid", "from must be hexadecimal") from None
    now_ms = time.time_ns() // 1_000_000
    lines: list[Sequence[object]] = []
    more = ""
    for stored_key, stored in service.store.scan(begin, end):
        if len(lines) >= _PAGE_ROWS:
            following = {"instance": table.instance, "name": table.name, "from": stored_key.hex()}
            more = f"<p>{_link('/-/table', following, 'More')}</p>"
            break
        row = rows.unpack_row(stored) if is_series else rows.live_row(table, stored, now_ms)
        if row is None:
            continue
        cells = Html(
            "<br>".join(
                f"<code>{escape(cell.decode())}</code> {escape(_shown(value))}"
                + ("" if is_series else f' <span class="none">@{version}</span>')
                for cell, version, value in rows.iterate_cells(row.cells)
            )
        )
        key = [_shown(value) for _, value in keys.decode_key(table, stored_key)]
        lines.append((*key, cells))
    heads = [*(column.name.decode() for column in table.key), "fields" if is_series else "columns"]
    back = '<p><a href="/">All tables</a></p>'
    return _page(f"{table.instance} / {table.name}", back + _table(heads, lines) + more)
