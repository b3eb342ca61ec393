"""The simulated Tablestore: the local one's row logic in this process, behind a faulty network.

A request takes effect within `tablestore.timeout` of its sending or never, as docs/guarantees.md
asks of the service.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, cast

from connectors.settings.tables import TableSettings
from connectors.tablestore.http import Answer, TransportError
from connectors.tablestore.tables_api import TableShape
from connectors.tablestore.verdicts import RequestFailed, judge
from emulator import errors, keys, signing
from emulator import rows as emulator_rows
from emulator.catalog import Catalog
from emulator.errors import ServiceError
from emulator.journal import Journal
from emulator.operations import OPERATIONS
from emulator.server import parse_request, run_operation
from emulator.service import Call, Service
from emulator.settings import Options
from emulator.storage import Store
from emulator.timeseries.tables import TimeseriesCatalog
from emulator.transactions import Transactions
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from simulation.plan import TIMEOUT
from simulation.timeline import Timeline

INSTANCE, KEY_ID, KEY_SECRET = "simulated", "simulated-id", "simulated-secret"
_NUMBERS = {"integer": 1, "string": 2}
_BUSY = ServiceError("OTSServerBusy", errors.SERVER_BUSY)
_ANSWERED_FAULTS = {
    "busy": _BUSY,
    "error_500": ServiceError("OTSInternalServerError", errors.INTERNAL),
    "timeout_after": ServiceError("OTSTimeout", "Operation timeout."),
}


class Change(NamedTuple):
    """A change of a row that took effect."""

    table: str
    operation: str
    key: tuple[Any, ...]
    columns: dict[str, Any]


class MemoryStore:
    """The store of the local Tablestore without its database."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._tables = 0

    def tables(self) -> list[tuple[int, str, str]]:
        """None at the start."""
        return []

    def add_table(self, model: str, document: str) -> int:  # noqa: ARG002
        """A new id."""
        self._tables += 1
        return self._tables

    def get(self, key: bytes) -> bytes | None:
        """A row."""
        return self._rows.get(key)

    def write(self, changes: Mapping[bytes, bytes | None], counters: object = None) -> None:  # noqa: ARG002
        """Change rows."""
        for key, row in changes.items():
            if row is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = row

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The rows whose keys begin so."""
        return ((key, row) for key, row in sorted(self._rows.items()) if key.startswith(prefix))


class SimulatedService:
    """One instance and its tables."""

    def __init__(self, timeline: Timeline, chance: random.Random) -> None:
        self.timeline = timeline
        self.chance = chance
        self.faults: dict[int, str] = {}
        self.requests = 0
        self.gone_until: dict[str, float] = {}
        self.throttled_until = 0.0
        self.denied_until = 0.0
        self.fired: Callable[[str], None] = lambda _: None
        self.on_change: Callable[[int, Change], None] = lambda *_: None
        self._store = MemoryStore()
        store = cast(Store, self._store)
        options = Options(instances=(INSTANCE,))
        self._service = Service(
            options,
            store,
            Catalog(store, options),
            TimeseriesCatalog(store, options),
            Journal(0, 1),
            Transactions(60.0),
        )
        self._caller = signing.Caller(KEY_ID, INSTANCE, KEY_SECRET.encode())

    # Tables

    def create(self, name: str, key: tuple[tuple[str, str], ...], **defined: str) -> None:
        """Create a table. Raises ServiceError."""
        request = wire.CreateTableRequest()
        request.table_meta.table_name = name
        for column, column_type in key:
            request.table_meta.primary_key.add(name=column, type=_NUMBERS[column_type])
        for column, column_type in defined.items():
            number = {"integer": 1, "string": 4}[column_type]
            request.table_meta.defined_column.add(name=column, type=number)
        request.table_options.time_to_live = -1
        request.table_options.max_versions = 1
        request.reserved_throughput.capacity_unit.read = 0
        request.reserved_throughput.capacity_unit.write = 0
        self._service.catalog.create(INSTANCE, request, taken=0)

    def require(self, table: str) -> None:
        """Raise ServiceError for what no request to a table is answered with now."""
        now = self.timeline.now
        if now < self.denied_until:
            self.fired("denied")
            raise ServiceError("OTSNoPermissionAccess", "No permission.")
        if now < self.gone_until.get(table, 0.0):
            self.fired("table_gone")
            raise ServiceError("OTSObjectNotExist", errors.TABLE_MISSING)

    def shape(self, name: str) -> TableShape:
        """As DescribeTable has it. Raises ServiceError."""
        self.require(name)
        table = self._service.catalog.find(INSTANCE, name)
        types = {pb.INTEGER: "integer", pb.STRING: "string"}
        return TableShape(
            tuple((column.name.decode(), types[column.wire_type]) for column in table.key),
            tuple((name.decode(), types[kind]) for name, kind in table.defined.items()),
        )

    def rows(self, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """All rows of a table, columns by key."""
        table = self._service.catalog.find(INSTANCE, name)
        found = {}
        for key, stored in self._store.scan(table.prefix):
            row = emulator_rows.live_row(table, key, stored, int(self.timeline.now * 1000))
            if row is not None:
                values = tuple(pb.python_value(value) for _, value in keys.decode_key(table, key))
                found[values] = {
                    column.decode(): pb.python_value(versions[max(versions)])
                    for column, versions in row.cells.items()
                }
        return found

    # Requests

    def write(self, run: int, body: bytes, rows_busy: bool = False) -> bytes:
        """BatchWriteRow: apply the request and return its answer. Raises ServiceError."""
        operation = OPERATIONS["BatchWriteRow"]
        request = cast(wire.BatchWriteRowRequest, parse_request(operation, body))
        for part in request.tables:
            self.require(part.table_name)
        if self.timeline.now < self.throttled_until:
            self.fired("throttled")
            if self.chance.random() < 0.5:
                raise _BUSY
            rows_busy = True
        seen: list[tuple[str, pb.RowChange]] = []

        def note(table: str, index: int, change: pb.RowChange) -> ServiceError | None:  # noqa: ARG001
            seen.append((table, change))
            if rows_busy and self.chance.random() < 0.5:
                return ServiceError("OTSNotEnoughCapacityUnit", errors.NOT_ENOUGH_CAPACITY)
            return None

        now_ms = int(self.timeline.now * 1000) + 1
        call = Call(self._service, INSTANCE, f"request-{self.requests}", now_ms, [note])
        out = run_operation(operation, call, request)
        answer = wire.BatchWriteRowResponse.FromString(out)
        operations = [row.type for part in request.tables for row in part.rows]
        written = [row.is_ok for part in answer.tables for row in part.rows]
        for (table, change), kind, is_ok in zip(seen, operations, written, strict=True):
            if is_ok:
                self.on_change(run, _change(table, kind, change))
        return out

    def answer(self, status: int, body: bytes) -> Answer:
        """An answer, signed. Its date is the real one: the SDK compares it with the real clock."""
        headers = signing.response_headers(
            "BatchWriteRow", "request", body, self._caller, datetime.now(timezone.utc)
        )
        return Answer(status, {name.lower(): text for name, text in headers.items()}, body)

    def refuse(self, error: ServiceError) -> Answer:
        """The answer that tells of an error."""
        message = wire.Error(code=error.code, message=error.message)
        return self.answer(error.status, message.SerializeToString())


def _change(table: str, kind: int, change: pb.RowChange) -> Change:
    columns = {name.decode(): pb.python_value(value) for name, _, value, _ in change.cells if value}
    key = tuple(pb.python_value(value) for _, value in change.key)
    return Change(table, {1: "put", 2: "update", 3: "delete"}[kind], key, columns)


class SimulatedPool:
    """Connections of one process to the service, in place of `Pool`."""

    def __init__(self, service: SimulatedService, process: Any) -> None:
        self._service = service
        self._process = process

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:  # noqa: ARG002
        """As `Pool.post`: an answer, or TransportError."""
        service = self._service
        fault = service.faults.get(service.requests)
        self._process.call("post", service.requests, fault or "")
        service.requests += 1
        exchange = _Exchange(service, self._process, body, fault)
        return await exchange.answer

    def close(self) -> None:
        """Nothing is open."""


class _Exchange:
    """One request on its way, and its answer."""

    def __init__(
        self, service: SimulatedService, process: Any, body: bytes, fault: str | None
    ) -> None:
        self._service = service
        self._process = process
        self._run = process.run_number
        self._body = body
        self._fault = fault
        loop = process.loop
        self.answer: asyncio.Future[Answer] = loop.create_future()
        loop.call_later(TIMEOUT, self._fail, f"no answer within {TIMEOUT} s")
        chance, now = service.chance, service.timeline.now
        there = chance.random() * 0.01
        self._back = chance.random() * 0.01
        if fault is not None:
            service.fired(fault)
        if fault == "slow":
            there = chance.random() * TIMEOUT * 0.9
            self._back = 0.0
        elif fault == "late_answer":
            there, self._back = chance.random() * TIMEOUT * 0.9, TIMEOUT
        if fault == "reset_before":
            loop.call_later(there, self._fail, "connection lost")
        elif fault in ("html_502", "empty_503"):
            text = b"<html>502</html>" if fault == "html_502" else b""
            loop.call_later(
                there, self._set, Answer(int(fault[-3:]) if fault[-3:].isdigit() else 502, {}, text)
            )
        elif fault != "lost":
            service.timeline.at(now + there, self._arrive)

    def _arrive(self) -> None:
        """The service gets the request: it does not matter whether the process still lives."""
        service, fault = self._service, self._fault
        try:
            if fault in ("busy", "error_500"):
                raise _ANSWERED_FAULTS[fault]
            body = service.write(self._run, self._body, rows_busy=fault == "rows_busy")
            if fault == "twice":
                body = service.write(self._run, self._body)
            if fault == "timeout_after":
                raise _ANSWERED_FAULTS[fault]
            answer = service.answer(200, body)
        except ServiceError as error:
            answer = service.refuse(error)
        if fault == "lost_answer":
            return
        loop = self._process.loop
        if fault == "reset_after":
            loop.call_later(self._back, self._fail, "connection lost")
            return
        if fault == "garbled":
            answer = answer._replace(body=bytes(byte ^ 0x5A for byte in answer.body) or b"Z")
        elif fault == "truncated":
            answer = answer._replace(body=answer.body[: len(answer.body) // 2])
        loop.call_later(self._back, self._set, answer)

    def _set(self, answer: Answer) -> None:
        if not self.answer.done():
            self._process.call("answered", answer.status)
            self.answer.set_result(answer)

    def _fail(self, text: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(TransportError(text))


class SimulatedTables:
    """The calls about tables, in place of `TablesApi`."""

    def __init__(self, service: SimulatedService, process: Any) -> None:
        self._service = service
        self._process = process

    def describe(self, table: str) -> TableShape:
        """As `TablesApi.describe`."""
        self._process.call("describe", table)
        try:
            return self._service.shape(table)
        except ServiceError as error:
            raise _failed(error) from None

    def create(self, table: str, rules: TableSettings, defined: int) -> None:
        """As `TablesApi.create`."""
        self._process.call("create", table)
        columns = () if rules.columns == "all" else rules.columns[:defined]
        try:
            self._service.create(table, rules.key_columns, **{c.name: c.type for c in columns})
        except ServiceError as error:
            raise _failed(error) from None


def _failed(error: ServiceError) -> RequestFailed:
    return RequestFailed(judge(error.status, error.code, error.message), error.code)
