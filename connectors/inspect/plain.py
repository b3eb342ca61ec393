"""Decoded values and rows as JSON has them, and as short texts."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from connectors.dead_letters.codes import remedy_of
from connectors.inspect.preview import Previewed, PreviewedRow
from connectors.records import Record, timestamp_of
from connectors.tablestore.row_reader import ReadCell

_SHORT = 60  # characters of a value on a screen


def plain(value: Any) -> Any:
    """A decoded value with only what JSON has: bytes become {"base64": ...}, others their text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)


def short(value: Any, characters: int = _SHORT) -> str:
    """A value for a screen: JSON on one line, cut when it is long."""
    if isinstance(value, (bytes, bytearray)):
        text = f"0x{bytes(value[: characters // 2]).hex()}"
        size = len(value)
        return text if size <= characters // 2 else f"{text}... ({size:,} bytes)"
    text = json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= characters else f"{text[:characters]}... ({len(text):,} characters)"


def cell_document(cell: ReadCell) -> dict[str, Any]:
    """A cell for --json; operation and version where they are not the usual ones."""
    document = {"name": cell.name, "type": cell.type, "value": plain(cell.value)}
    if cell.operation != "put":
        document["operation"] = cell.operation
    if cell.version is not None:
        document["version"] = cell.version
    return document


def row_document(row: PreviewedRow) -> dict[str, Any]:
    """A row for --json."""
    return {
        "table": row.table,
        "operation": row.operation,
        "key": [cell_document(cell) for cell in row.key],
        "columns": [cell_document(cell) for cell in row.columns],
        "bytes": row.bytes,
        "wire_bytes": row.wire_bytes,
        "capacity_units": round(row.units, 4),
    }


def record_document(record: Record) -> dict[str, Any]:
    """A record between two steps, for --json."""
    return {
        "key": plain(record.key),
        "value": plain(record.value),
        "change": record.change,
        "table": record.table,
    }


def previewed_document(one: Previewed) -> dict[str, Any]:
    """What would become of a record, for --json."""
    message = one.message
    document: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": timestamp_of(message),
        "rows": [row_document(row) for row in one.rows],
        "rejections": [
            {
                "stage": each.stage,
                "code": each.code,
                "reason": each.reason,
                "remedy": remedy_of(each.stage, each.code),
            }
            for each in one.rejections
        ],
        "filtered": one.is_filtered,
    }
    if one.stages:
        document["steps"] = [
            {
                "step": stage.step,
                "records": [record_document(record) for record in stage.records],
                "rejection": None
                if stage.rejection is None
                else {"code": stage.rejection.code, "reason": stage.rejection.reason},
            }
            for stage in one.stages
        ]
    return document
