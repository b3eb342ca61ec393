"""Everything outside the protocol: pages, counters, faults, limits, logs; loopback only."""

import ipaddress
import json
from typing import Any

from aiohttp import web

from emulator import keys, web_page
from emulator.errors import ServiceError
from emulator.faults import FaultRuleError, Faults, parse_rules
from emulator.service import Service
from emulator.throughput import ThroughputError, parse_limits

_MAX_PLAN_BYTES = 1024 * 1024
_INSTANCES = "/-/instances/"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _is_local(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _json(document: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(document, default=str), content_type="application/json"
    )


class _NotJsonError(ValueError):
    """The body of a request cannot be read."""


async def _document(request: web.BaseRequest) -> object:
    """Return the JSON body of a request."""
    body = await request.content.read(_MAX_PLAN_BYTES)
    try:
        return json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise _NotJsonError("the body is not JSON") from None


class Control:
    """Answers / and everything under /-/."""

    def __init__(self, service: Service, faults: Faults) -> None:
        self._service = service
        self._faults = faults

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of the control interface."""
        if not (self._service.options.open_pages or _is_local(request.remote)):
            return _json(
                {"error": "served to loopback only, unless the server runs with --open-pages"}, 403
            )
        if "Origin" in request.headers and request.method != "GET":
            return _json({"error": "requests from web pages of other sites are refused"}, 403)
        method = request.method
        if request.path in ("/", "/-/table") and method == "GET":
            return self._page(request)
        journal = self._service.journal
        if request.path == "/-/stats" and method == "GET":
            return _json(self._stats())
        if request.path == "/-/faults":
            return await self._handle_faults(request)
        if request.path == "/-/throughput":
            return await self._handle_throughput(request)
        if request.path.startswith(_INSTANCES) and method == "DELETE":
            return self._empty(request.path.removeprefix(_INSTANCES))
        if request.path in ("/-/effects", "/-/answers") and method == "GET":
            try:
                since = int(request.query.get("since", "0"))
            except ValueError:
                return _json({"error": "since must be an integer"}, 400)
            if request.path == "/-/effects":
                return _json(journal.effects_since(since, "columns" in request.query))
            return _json(journal.answers_since(since))
        return _json({"error": f"no such page: {method} {request.path}"}, 404)

    def _page(self, request: web.BaseRequest) -> web.Response:
        status = 200
        try:
            if request.path == "/":
                text = web_page.overview(self._service, self._faults)
            else:
                text = web_page.table_page(self._service, request.query)
        except ServiceError as error:
            status, text = error.status, web_page.error_page(error)
        headers = {"Content-Security-Policy": _POLICY}
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    def _empty(self, instance: str) -> web.Response:
        """Remove the tables of an instance."""
        service = self._service
        tables = [table for table in service.catalog.all() if table.instance == instance]
        for table in tables:
            service.transactions.drop_table(table)
            service.catalog.drop(table)
        series = service.series.of(instance)
        for points in series:
            service.transactions.drop_table(points.inner)
            service.series.drop(points)
        return _json({"removed": sorted([t.name for t in tables] + [t.name for t in series])})

    def _stats(self) -> dict[str, Any]:
        service = self._service
        tables: dict[str, dict[str, int]] = {name: {} for name in service.options.instances}
        for table in service.catalog.all():
            count = service.store.count(table.prefix, keys.table_end(table.id))
            tables.setdefault(table.instance, {})[table.name] = count
        for series in service.series.all():
            count = service.store.count(series.data.prefix, series.data_end)
            tables.setdefault(series.instance, {})[series.name] = count
        return {
            "rows_written": service.journal.rows_written,
            "requests": dict(service.journal.requests),
            "errors": dict(service.journal.errors),
            "tables": tables,
            "faults": dict(self._faults.fired),
            "throttled": dict(service.throughput.throttled),
        }

    async def _handle_throughput(self, request: web.BaseRequest) -> web.Response:
        throughput = self._service.throughput
        if request.method == "DELETE":
            throughput.replace([])
        elif request.method == "POST":
            try:
                limits = parse_limits(await _document(request))
            except (_NotJsonError, ThroughputError) as error:
                return _json({"error": str(error)}, 400)
            if request.query.get("add") == "1":
                throughput.add(limits)
            else:
                throughput.replace(limits)
        elif request.method != "GET":
            return _json({"error": "the method must be GET, POST or DELETE"}, 405)
        return _json(throughput.shown())

    async def _handle_faults(self, request: web.BaseRequest) -> web.Response:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            try:
                rules = parse_rules(await _document(request))
            except (_NotJsonError, FaultRuleError) as error:
                return _json({"error": str(error)}, 400)
            if request.query.get("add") != "1":
                self._faults.clear()
            self._faults.add(rules)
        elif request.method != "GET":
            return _json({"error": "the method must be GET, POST or DELETE"}, 405)
        return _json(self._faults.shown())
