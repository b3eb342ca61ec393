"""What a dry run prints."""

from __future__ import annotations

import pytest

from connectors.records import Chunk, DeadLetter, Original, PlainMessage, Segment
from connectors.replay.preview import preview_messages, preview_rows
from tests.unit.factories import wire_of


@pytest.mark.parametrize("payload", [False, True])
def test_a_dry_run_shows_values_only_when_asked(payload: bool) -> None:
    """Coordinates, table and size, or coordinates and reason; key and value are personal data."""
    kept: Original = (None, b"key-bytes", b"value-bytes", ())
    segment = Segment("t", "orders", 3, [b"x"], wire_of(20), [70], [kept], [20], [])
    rejected = DeadLetter("orders", 3, 70, "map", "key_missing", "no key", kept)
    message = PlainMessage("orders", 3, 70, key=b"key-bytes", value=b"value-bytes")
    lines = [
        *preview_rows(([segment], [rejected]), payload),
        *preview_messages(Chunk("orders", 3, [message]), payload),
    ]
    assert [line.split(":")[0] for line in lines] == ["would write", "would reject", "would send"]
    for line in lines:
        assert ("key-bytes" in line, "value-bytes" in line) == (payload, payload)
