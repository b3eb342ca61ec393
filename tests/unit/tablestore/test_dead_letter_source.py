"""Dead letters of the table as messages again; and rows of it that are none."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.dead_letters.headers import REPLAYS, headers_of
from connectors.records import DeadLetter, Original
from connectors.replay.restore import Restorer
from connectors.settings.tablestore_limits import MAX_VALUE_BYTES
from connectors.tablestore.dead_letter_sink import dead_letter_columns
from connectors.tablestore.dead_letter_source import message_of
from tests.unit.factories import new_run

KEY = ("orders_3", 70)


def dead_letter(original: Original) -> DeadLetter:
    return DeadLetter("orders", 3, 70, "map", "key_missing", "no key", original)


def columns_of(original: Original) -> dict[str, Any]:
    """The columns as the SDK gives them back."""
    return {
        name: bytearray(value) if isinstance(value, bytes) else value
        for name, value in dead_letter_columns(dead_letter(original))
    }


ORIGINALS: dict[str, Original] = {
    "plain": (1234, b"k", b"v", (("a", b"\xff"), ("a", None))),
    "nulls": (None, None, None, ()),
    "empty": (0, b"", b"", (("", b""),)),
    "in several columns": (1, b"k" * (MAX_VALUE_BYTES + 1), b"", ()),
    "in more than nine columns": (1, b"k", bytes(range(256)) * (MAX_VALUE_BYTES // 256 * 11), ()),
    "replayed before": (1, b"k", b"v", (("own", b"1"), (REPLAYS, b"2"))),
}


@pytest.mark.parametrize("kind", ORIGINALS)
def test_a_dead_letter_is_what_it_would_be_in_a_topic(kind: str) -> None:
    """The same key, value and headers, and so the same record again."""
    original = ORIGINALS[kind]
    message = message_of("dead", KEY, columns_of(original))
    assert (message.key(), message.value()) == original[1:3]
    assert message.headers() == headers_of(dead_letter(original), "")
    restored = Restorer(new_run()).restored(message)
    assert restored is not None
    assert (restored.topic(), restored.partition(), restored.offset()) == ("orders", 3, 70)
    assert (restored.key(), restored.value()) == original[1:3]
    assert restored.timestamp() == ((0, -1) if original[0] is None else (1, original[0]))


FORGED: dict[str, dict[str, Any]] = {
    "no columns": {},
    "no stage of ours": {**columns_of(ORIGINALS["plain"]), "stage": "x"},
    "text for bytes": {**columns_of(ORIGINALS["plain"]), "value": "text"},
    "headers that are none": {**columns_of(ORIGINALS["plain"]), "headers": bytearray(b"[1]")},
    "no number of replays": {**columns_of(ORIGINALS["plain"]), "replays": "x"},
    "no time": {**columns_of(ORIGINALS["plain"]), "timestamp": "noon"},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_row_that_is_no_dead_letter_is_passed_over(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Any program may write to the table: such a row is logged by its coordinates."""
    message = message_of("dead", KEY, FORGED[kind])
    assert Restorer(new_run()).restored(message, warn=True) is None
    assert "offset 70" in caplog.text
