"""Faults on demand: rules that say which request or row goes wrong, how, and how often.

A rule is a JSON object. `kind` is required; `api`, `table`, `key` and `rows` narrow it to requests
(or rows); `skip`, `count`, `probability` with `seed` say when; `delay` waits first. The first rule
that applies to a request wins; rules for single rows apply beside it.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError, Message

from emulator import errors, limits
from emulator.errors import STATUS, ServiceError
from emulator.service import RowFault
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from emulator.wire.flatbuffer import RawPoint, decode_points
from emulator.wire.strings import has_bad_text

_FLAT_BUFFER = 0
NO_PERMISSION = (
    "You have no permission to access the requested resource, please contact the resource owner"
)
REFUSALS: dict[str, tuple[str, str]] = {
    "http_500": ("OTSInternalServerError", errors.INTERNAL),
    "server_busy": ("OTSServerBusy", errors.SERVER_BUSY),
    "server_unavailable": ("OTSServerUnavailable", "Server is not available."),
    "not_enough_capacity": ("OTSNotEnoughCapacityUnit", errors.NOT_ENOUGH_CAPACITY),
    "capacity_exhausted": ("OTSCapacityUnitExhausted", errors.CAPACITY_EXHAUSTED),
    "conflict": ("OTSRowOperationConflict", errors.ROW_CONFLICT),
    "partition_moving": ("OTSPartitionUnavailable", "The partition is not available."),
    "timeout_before_effect": ("OTSTimeout", "Operation timeout."),
    "auth_failed": ("OTSAuthFailed", errors.SIGNATURE_MISMATCH),
    "expired_credentials": ("OTSAuthFailed", "The security token is expired."),
    "no_permission": (
        "OTSNoPermissionAccess",
        NO_PERMISSION,
    ),
    "clock_skew": ("OTSAuthFailed", "Mismatch between system time and x-ots-date."),
    "table_not_ready": ("OTSTableNotReady", errors.TABLE_NOT_READY),
    "bad_request_if_row": ("OTSParameterInvalid", "Cell data broken, refused by a fault rule."),
}
"""Kinds that answer an error without any effect: code and text."""

BEFORE_EFFECT = {"http_502_html", "http_503_empty", "reset_request"}
AFTER_EFFECT = {
    "timeout_after_effect",
    "reset_response",
    "truncated_body",
    "garbled_body",
    "wrong_response_signature",
    "wrong_response_date",
}
ANY_TIME = {"hang", "slow"}
ROW_KINDS = {"row_error"}
KINDS = frozenset(REFUSALS) | BEFORE_EFFECT | AFTER_EFFECT | ANY_TIME | ROW_KINDS
"""Every kind of fault."""


class FaultRuleError(ValueError):
    """A rule that cannot be used; the text names the field."""


@dataclass
class Rule:
    """One fault rule."""

    kind: str
    api: str | None = None
    """Operation it applies to; None: all."""
    table: str | None = None
    key: dict[str, Any] | None = None
    """{"column": name, "value": v}: a row has this value in a primary key or attribute column."""
    rows: list[int] | None = None
    """Positions in the request, over all its tables, from 0."""
    count: int | None = None
    """How many times it fires; None: until it is removed."""
    skip: int = 0
    """How many matches to skip first."""
    probability: float = 1.0
    seed: int | None = None
    delay: float = 0.0
    """Seconds to wait before anything else."""
    effect: str = "before"
    """For `hang`: whether the request is applied first ("after") or never ("before")."""
    code: str | None = None
    """For errors: another code, and with it another HTTP status."""
    message: str | None = None
    fired: int = 0
    passed: int = 0
    dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def due(self) -> bool:
        """Return whether a rule that applies fires this time, and count it."""
        if self.count is not None and self.fired >= self.count:
            return False
        if self.probability < 1.0 and self.dice.random() >= self.probability:
            return False
        if self.passed < self.skip:
            self.passed += 1
            return False
        self.fired += 1
        return True

    def error(self) -> ServiceError:
        """Return the error the rule answers with."""
        default = REFUSALS.get(self.kind, REFUSALS["server_busy"])
        if self.kind == "timeout_after_effect":
            default = REFUSALS["timeout_before_effect"]
        code = self.code or default[0]
        return ServiceError(code, self.message or default[1])

    def shown(self) -> dict[str, Any]:
        """Return the rule as JSON, with how often it fired."""
        return {name.name: getattr(self, name.name) for name in fields(self) if name.name != "dice"}


_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "api": (str, type(None)),
    "table": (str, type(None)),
    "key": (dict, type(None)),
    "rows": (list, type(None)),
    "count": (int, type(None)),
    "skip": (int,),
    "probability": (int, float),
    "seed": (int, type(None)),
    "delay": (int, float),
    "effect": (str,),
    "code": (str, type(None)),
    "message": (str, type(None)),
}


def parse_rule(document: object) -> Rule:
    """Return the rule of a JSON object; raises `FaultRuleError` for one with mistakes."""
    if not isinstance(document, Mapping):
        raise FaultRuleError("a fault rule must be a JSON object")
    for name, value in document.items():
        if name not in _TYPES:
            raise FaultRuleError(f"unknown field {name!r}; known: {', '.join(sorted(_TYPES))}")
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise FaultRuleError(f"field {name!r} has a value of the wrong type")
    if document.get("kind") not in KINDS:
        raise FaultRuleError(f"field 'kind' must be one of: {', '.join(sorted(KINDS))}")
    rule = Rule(**{str(name): value for name, value in document.items()})
    if rule.key is not None and set(rule.key) != {"column", "value"}:
        raise FaultRuleError("field 'key' must have exactly 'column' and 'value'")
    if rule.code is not None and rule.code not in STATUS:
        raise FaultRuleError(f"field 'code' must be one of: {', '.join(sorted(STATUS))}")
    if rule.effect not in ("before", "after"):
        raise FaultRuleError("field 'effect' must be 'before' or 'after'")
    if not 0 <= rule.probability <= 1 or rule.delay < 0 or rule.skip < 0:
        raise FaultRuleError("'probability' must be 0..1, 'delay' and 'skip' not negative")
    return rule


def parse_rules(document: object) -> list[Rule]:
    """Return the rules of a JSON list, a single rule, or {"rules": [...]}."""
    if isinstance(document, Mapping) and "rules" in document:
        document = document["rules"]
    if isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list):
        raise FaultRuleError("expected a list of fault rules")
    return [parse_rule(item) for item in document]


def _requested_rows(request: Message) -> Iterable[tuple[str, pb.RowChange | None]]:
    """Yield (table, row) of a write or read, in request order; None for a row that is broken.

    The operation will refuse such a row.
    """
    if isinstance(request, wire.PutTimeseriesDataRequest):
        for point in _points(request.rows_data):
            yield request.table_name, point
        return
    for table, buffer in _buffers(request):
        try:
            yield table, decode_row(buffer, limits.is_inner(table))
        except ServiceError:
            yield table, None


def _points(data: wire.TimeseriesRows) -> Iterable[pb.RowChange]:
    """Yield points as rows: the columns of their series as the key, tags by name beside it."""
    found: list[RawPoint] = []
    try:
        if data.type == _FLAT_BUFFER:
            found = decode_points(data.rows_data)
        else:
            listed = wire.TimeseriesRowList.FromString(data.rows_data)
            if not has_bad_text(listed):
                found = [_raw(row) for row in listed.rows]
    except (ServiceError, DecodeError):
        return
    for point in found:
        key = [
            (b"_m_name", pb.text(point.measurement)),
            (b"_data_source", pb.text(point.source)),
            (b"_time", pb.integer(point.time)),
            *((name, pb.text(value)) for name, value in point.tag_list),
        ]
        cells: list[pb.CellChange] = [(name, pb.PUT, v, None) for name, v in point.fields]
        yield pb.RowChange(key, cells, False, {name for name, _ in point.fields}, None)


def _raw(row: wire.TimeseriesRow) -> RawPoint:
    fields: list[tuple[bytes, bytes]] = []
    for field_ in row.fields:
        for descriptor, value in field_.ListFields():
            if descriptor.name != "name":
                fields.append((field_.name.encode(), pb.wire_value(value)))
    tags = [(tag.name.encode(), tag.value.encode()) for tag in row.key.tag_list]
    name, source = row.key.measurement.encode(), row.key.source.encode()
    return RawPoint(name, source, row.key.tags.encode(), tags, row.time, fields)


def _buffers(request: Message) -> Iterable[tuple[str, bytes]]:
    if isinstance(request, wire.BatchWriteRowRequest):
        for table in request.tables:
            for row in table.rows:
                yield table.table_name, row.row_change
    elif isinstance(request, wire.BulkImportRequest):
        for imported in request.rows:
            yield request.table_name, imported.row_change
    elif isinstance(request, wire.BatchGetRowRequest):
        for part in request.tables:
            for key in part.primary_key:
                yield part.table_name, key
    elif isinstance(request, wire.PutRowRequest):
        yield request.table_name, request.row
    elif isinstance(request, wire.UpdateRowRequest):
        yield request.table_name, request.row_change
    elif isinstance(request, wire.DeleteRowRequest | wire.GetRowRequest):
        yield request.table_name, request.primary_key


def tables_of(request: Message) -> set[str]:
    """Return the names of the tables that a request is about."""
    if isinstance(request, wire.BatchWriteRowRequest | wire.BatchGetRowRequest):
        return {table.table_name for table in request.tables}
    if isinstance(request, wire.CreateTableRequest | wire.CreateTimeseriesTableRequest):
        return {request.table_meta.table_name}
    return {str(getattr(request, "table_name", ""))}


def _has_value(change: pb.RowChange, condition: Mapping[str, Any]) -> bool:
    column, wanted = str(condition["column"]).encode(), condition["value"]
    for name, value in [*change.key, *((cell[0], cell[2]) for cell in change.cells)]:
        if name == column and value is not None and value[0] <= pb.BLOB:
            found = pb.python_value(value)
            if isinstance(found, bytes):
                found = found.hex()
            if found == wanted and isinstance(found, bool) == isinstance(wanted, bool):
                return True
    return False


def _row_matches(rule: Rule, table: str, index: int, change: pb.RowChange) -> bool:
    if rule.table is not None and rule.table != table:
        return False
    if rule.rows is not None and index not in rule.rows:
        return False
    return rule.key is None or _has_value(change, rule.key)


class Faults:
    """The active rules, and how often each kind fired."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = list(rules)
        self.fired: Counter[str] = Counter()

    @classmethod
    def from_file(cls, path: Path) -> "Faults":
        """Read the plan of a JSON file; raises `FaultRuleError` or OSError."""
        try:
            return cls(parse_rules(json.loads(path.read_text(encoding="utf-8"))))
        except json.JSONDecodeError as error:
            raise FaultRuleError(f"{path} is not JSON: {error}") from None

    def add(self, rules: Iterable[Rule]) -> None:
        """Add rules after those that are active."""
        self._rules.extend(rules)

    def clear(self) -> None:
        """Remove all rules; the counts stay."""
        self._rules.clear()

    def shown(self) -> dict[str, Any]:
        """Return the rules and their counts as a JSON object."""
        return {"rules": [rule.shown() for rule in self._rules], "fired": dict(self.fired)}

    def for_request(self, api: str, request: Message) -> Rule | None:
        """Return the rule that fires for a request as a whole."""
        for rule in self._rules:
            if rule.kind in ROW_KINDS or rule.api not in (None, api):
                continue
            if self._request_matches(rule, request) and rule.due():
                self.fired[rule.kind] += 1
                return rule
        return None

    @staticmethod
    def _request_matches(rule: Rule, request: Message) -> bool:
        if rule.key is None and rule.rows is None:
            return rule.table is None or rule.table in tables_of(request)
        for index, (table, change) in enumerate(_requested_rows(request)):
            if change is not None and _row_matches(rule, table, index, change):
                return True
        return False

    def for_rows(self, api: str) -> list[RowFault]:
        """Return the functions that decide about each row of a request."""
        return [
            self._row_fault(rule)
            for rule in self._rules
            if rule.kind in ROW_KINDS and rule.api in (None, api)
        ]

    def _row_fault(self, rule: Rule) -> Callable[[str, int, pb.RowChange], ServiceError | None]:
        def decide(table: str, index: int, change: pb.RowChange) -> ServiceError | None:
            if not _row_matches(rule, table, index, change) or not rule.due():
                return None
            self.fired[rule.kind] += 1
            return rule.error()

        return decide
