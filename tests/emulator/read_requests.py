"""What tests of reads have in common: keys, one row's cells, a range, an expected refusal."""

from collections.abc import Callable
from typing import Any

import pytest
import tablestore as ots

IGNORE = ots.Condition("IGNORE")
BOTH = [("k", "STRING"), ("id", "INTEGER")]


def key(number: Any, k: Any = "a") -> list[tuple[str, Any]]:
    return [("k", k), ("id", number)]


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


def invalid(text: str) -> tuple[int, str, str]:
    return 400, "OTSParameterInvalid", text


def cells(client: Any, table: str, **options: Any) -> list[tuple[str, Any, int]] | None:
    _, found, _ = client.get_row(table, key(1), **options)
    return None if found is None else [tuple(cell) for cell in found.attribute_columns]


def ids(found: Any) -> list[int]:
    return [each.primary_key[1][1] for each in found]


def scan(client: Any, table: str, begin: Any, end: Any, **options: Any) -> tuple[Any, list[int]]:
    options.setdefault("max_version", 1)
    direction = options.pop("direction", "FORWARD")
    _, next_key, found, _ = client.get_range(table, direction, begin, end, **options)
    return next_key, ids(found)
