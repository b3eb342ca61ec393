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
_GRID_COLUMNS = 12  # tables with more attribute columns show them in one cell
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#667585;--line:#e3e8ee;--paper:#f5f7f9;
--card:#fff;--link:#0b63b8;--good:#1a7f4b;--bad:#c0392b}
@media (prefers-color-scheme:dark){:root{--ink:#dfe6ee;--soft:#93a1b0;--line:#2c3743;
--paper:#141a21;--card:#1b232c;--link:#6cb2ff;--good:#5fd39a;--bad:#ff8a7a}}
body{font:15px/1.5 system-ui,sans-serif;margin:0;background:var(--paper);color:var(--ink)}
header{background:var(--card);border-bottom:1px solid var(--line);padding:.9rem 1.5rem}
main{max-width:78rem;margin:1.2rem auto 4rem;padding:0 1.5rem}
h1{font-size:1.25rem;margin:0}h1 a{color:inherit}h2{font-size:1rem;margin:2rem 0 .5rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
p{color:var(--soft);margin:.3rem 0}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:.4rem .8rem;border-top:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:500;white-space:nowrap}
th.key{color:var(--ink)}td.number{font-variant-numeric:tabular-nums}
tbody tr:hover{background:var(--paper)}
code{font:13px ui-monospace,monospace;color:var(--soft)}
.old{color:var(--soft)}.none{color:var(--soft);padding:.6rem .8rem;margin:0}
.good{color:var(--good)}.bad{color:var(--bad)}
"""


class Html(str):
    """Text that is markup already; everything else is escaped."""

    __slots__ = ()


def _cell(value: object) -> str:
    if isinstance(value, Html):
        return f"<td>{value}</td>"
    style = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{style}>{escape(f'{value:,}' if isinstance(value, int) else str(value))}</td>"


def _link(path: str, query: Mapping[str, str], text: str) -> Html:
    return Html(f'<a href="{escape(path)}?{escape(urlencode(query))}">{escape(text)}</a>')


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]], keys_: int = 0) -> str:
    """Return a table; its first `keys_` columns are those of a primary key."""
    body = "".join("<tr>" + "".join(map(_cell, line)) + "</tr>" for line in lines)
    if not body:
        return '<section><p class="none">None.</p></section>'
    head = "".join(
        f"<th{' class=key' if index < keys_ else ''}>{escape(text)}</th>"
        for index, text in enumerate(heads)
    )
    return f"<section><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<header><h1><a href="/">Local Tablestore</a></h1></header><main>{body}</main>'
        "</body></html>"
    )


def error_page(error: ServiceError) -> str:
    """Return the page that shows an error."""
    text = f"<h2>{escape(error.code)}</h2><p>{escape(error.message)}</p>"
    return _page(error.code, f'{text}<p><a href="/">All tables</a></p>')


def _shown(value: bytes) -> str:
    plain = pb.python_value(value)
    text = f"0x{plain.hex()}" if isinstance(plain, bytes) else str(plain)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)})"


def _limits(service: Service) -> str:
    """Return the throughput limits, if there are any, and how often they applied."""
    if not service.throughput.is_active:
        return ""
    shown = service.throughput.shown()
    throttled = ", ".join(f"{code} {count:,}" for code, count in shown["throttled"].items())
    rules = (
        (", ".join(f"{name} {value}" for name, value in limit.items() if value is not None),)
        for limit in shown["limits"]
    )
    text = f"<p>Throttled: {escape(throttled or 'nothing so far')}.</p>"
    return "<h2>Throughput</h2>" + _table(("limit",), rules) + text


def overview(service: Service, faults: Faults) -> str:
    """Return the first page."""
    options = service.options
    wide, series = [], []
    for table in sorted(service.catalog.all(), key=lambda item: (item.instance, item.name)):
        query = {"instance": table.instance, "name": table.name}
        count = service.store.count(table.prefix, keys.table_end(table.id))
        key = ", ".join(f"{c.name.decode()} {pb.TYPE_NAMES[c.wire_type][3:]}" for c in table.key)
        wide.append(
            (
                table.instance,
                _link("/-/table", query, table.name),
                count,
                key,
                _seconds(table.time_to_live),
                table.max_versions,
            )
        )
    for item in service.series.all():
        query = {"instance": item.instance, "name": item.name}
        points = service.store.count(item.data.prefix, item.data_end)
        known = service.store.count(item.series.prefix, item.series_end)
        link = _link("/-/table", query, item.name)
        series.append((item.instance, link, known, points, _seconds(item.time_to_live)))
    data = str(options.data) if options.data else "in memory"
    body = f"<p>Instances {escape(', '.join(options.instances))}. Data: {escape(data)}. "
    body += f"Rows written since the start: {service.journal.rows_written:,}. "
    body += 'As JSON: <a href="/-/stats">counters</a>, <a href="/-/faults">faults</a>, '
    body += '<a href="/-/answers">answers</a>, <a href="/-/effects">effects</a>.</p>'
    body += "<h2>Tables</h2>" + _table(
        ("instance", "table", "rows", "primary key", "time to live", "versions"), wide
    )
    body += "<h2>Time series tables</h2>" + _table(
        ("instance", "table", "series", "points", "time to live"), series
    )
    body += "<h2>Faults</h2>" + _table(
        ("rule", "fired"),
        ((_rule_text(rule), rule["fired"]) for rule in faults.shown()["rules"]),
    )
    body += _limits(service)
    body += f"<h2>Last {_SHOWN_REQUESTS} requests</h2>" + _requests(service)
    return _page("Local Tablestore", body)


def _seconds(value: int) -> str:
    if value < 0:
        return "for ever"
    if value % 86_400:
        return f"{value:,} s"
    return "1 day" if value == 86_400 else f"{value // 86_400:,} days"


def _status(status: int) -> Html:
    style = "good" if status == 200 else "bad"
    return Html(f'<span class="{style}">{status or "no answer"}</span>')


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
                _status(answer["status"]),
                answer["code"] or "",
                answer["fault"] or "",
                answer["milliseconds"],
                Html(f"<code>{escape(answer['request_id'])}</code>"),
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
    shown: list[tuple[list[pb.KeyCell], rows.Versions]] = []
    more = ""
    for stored_key, stored in service.store.scan(begin, end):
        if len(shown) >= _PAGE_ROWS:
            following = {"instance": table.instance, "name": table.name, "from": stored_key.hex()}
            more = f"<p>{_link('/-/table', following, 'More')}</p>"
            break
        row: rows.StoredRow | None
        if is_series:
            expired = rows.is_expired_point(table, stored_key, now_ms)
            row = None if expired else rows.unpack_row(stored)
        else:
            row = rows.live_row(table, stored_key, stored, now_ms)
        if row is not None:
            shown.append((keys.decode_key(table, stored_key), row.cells))
    names = sorted({name for _, cells in shown for name in cells})
    key_heads = [column.name.decode() for column in table.key]
    if len(names) <= _GRID_COLUMNS:
        heads = [*key_heads, *(name.decode() for name in names)]
        lines = [
            [*_key(key), *(_versions(cells.get(name, {}), is_series) for name in names)]
            for key, cells in shown
        ]
    else:
        heads = [*key_heads, "fields" if is_series else "columns"]
        lines = [
            [
                *_key(key),
                Html(
                    "<br>".join(
                        f"<code>{escape(name.decode())}</code> {_versions(cells[name], is_series)}"
                        for name in sorted(cells)
                    )
                ),
            ]
            for key, cells in shown
        ]
    head = f"<h2>{escape(table.instance)} / {escape(table.name)}</h2>{_facts(table, is_series)}"
    body = head + _table(heads, lines, len(key_heads)) + more
    return _page(f"{table.instance} / {table.name}", body + '<p><a href="/">All tables</a></p>')


def _facts(table: Table, is_series: bool) -> str:
    """Return the options of a table in a line; the first page has those of time series."""
    if is_series:
        return ""
    defined = ", ".join(f"{n.decode()} {pb.TYPE_NAMES[k][3:]}" for n, k in table.defined.items())
    facts = [
        f"Rows live {_seconds(table.time_to_live)}",
        f"{table.max_versions} versions a cell",
        f"versions may be off by {_seconds(table.deviation)}",
        "updates allowed" if table.allow_update else "no updates",
        f"stream kept {table.stream_hours} h" if table.stream_enabled else "no stream",
        "encrypted" if table.encrypted else "not encrypted",
        f"defined columns: {defined or 'none'}",
    ]
    return f"<p>{escape('; '.join(facts))}.</p>"


def _key(key: Sequence[pb.KeyCell]) -> list[str]:
    return [_shown(value) for _, value in key]


def _versions(versions: Mapping[int, bytes], is_series: bool) -> Html:
    """Return the versions of a cell, the newest first and alone in full ink, times as tooltips."""
    parts = []
    for stamp in sorted(versions, reverse=True):
        text = escape(_shown(versions[stamp]))
        if is_series:
            parts.append(text)
            continue
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(stamp // 1000 % 253_402_300_799))
        older = ' class="old"' if parts else ""
        parts.append(f'<span{older} title="version {stamp}: {moment} UTC">{text}</span>')
    return Html("<br>".join(parts))
