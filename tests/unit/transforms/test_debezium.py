"""Debezium's change events, written after the documentation of its connectors."""

import base64
import uuid
from hashlib import md5
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE
from tests.unit.transforms.factories import BY_ID, event, run_event

HOLE = "__debezium_unavailable_value"


@pytest.mark.parametrize("op", ["c", "r", "u"])
def test_a_written_row_is_its_after_image(op: str) -> None:
    """Created, read in a snapshot or updated."""
    (found,) = run_event(event(op, {"id": 1, "a": 0} if op == "u" else None, {"id": 1, "a": 2}))
    assert (found.value, found.change, found.offset) == ({"id": 1, "a": 2}, "upsert", 1)


def test_the_schema_envelope_is_looked_through() -> None:
    """Kafka Connect's JSON converter puts one around by default."""
    (found,) = run_event({"schema": {"type": "struct"}, "payload": event("c", None, {"id": 1})})
    assert found.value == {"id": 1}


def test_a_delete_has_the_row_that_was() -> None:
    """PostgreSQL's default identity sends the key alone; without an image the key says it."""
    (found,) = run_event(event("d", {"id": 1, "a": None}), {"id": 1})
    assert (found.value, found.key, found.change) == ({"id": 1}, {"id": 1}, "delete")
    (found,) = run_event(event("d"), {"id": 1})
    assert (found.value, found.change) == ({"id": 1}, "delete")


def test_a_changed_key_is_a_delete_and_a_row() -> None:
    """In this order; by the table's own key, or by named fields."""
    changed = event("u", {"id": 1, "a": 5}, {"id": 2, "a": 5})
    gone, made = run_event(changed, before_images="whole")
    assert (gone.change, gone.value) == ("delete", {"id": 1, "a": 5})
    assert (made.change, made.value) == ("upsert", {"id": 2, "a": 5})
    assert len(run_event(changed, table={}, before_images="whole")) == 1
    assert len(run_event(changed, table={}, key_fields=["id"], before_images="whole")) == 2
    without = event("u", {"id": None}, {"id": 2})
    assert len(run_event(without, before_images="whole")) == 1, (
        "an image that does not know the key"
    )


def test_the_delete_of_a_changed_key_has_the_old_key() -> None:
    """The record's key is the new row's: a delete by it would take that row, and leave the old."""
    changed = event("u", {"id": 1, "a": 5}, {"id": 2, "a": 5})
    by_key = {**BY_ID, "primary_key_mode": "record_key"}
    for new, old in (({"id": 2, "t": 9}, {"id": 1, "t": 9}), (2, 1), (None, None)):
        gone, made = run_event(changed, new, by_key, key_fields=["id"], before_images="whole")
        assert (gone.change, gone.key, made.key) == ("delete", old, new)


def test_tombstones() -> None:
    """One follows each delete: it is dropped, or passes to the table's delete_mode."""
    assert run_event(None) == []
    (found,) = run_event(None, {"id": 1}, tombstones="pass")
    assert (found.value, found.change) == (None, "upsert")


def test_truncate_and_messages() -> None:
    """An emptied source table is a rejection, unless it is skipped; messages are dropped."""
    with pytest.raises(Rejection) as caught:
        run_event(event("t"))
    assert caught.value.code == "debezium_truncate"
    assert run_event(event("t"), truncate="skip") == []
    assert run_event({**event("m"), "message": {"prefix": "x"}}) == []


@pytest.mark.parametrize(
    "value",
    [5, "x", [], {}, {"op": "x"}, {"op": "c"}, {"op": "c", "after": 5}, {"op": "c", "after": "x"},
     {"op": "u", "before": [], "after": {}}, {"op": {}}, {"schema": 1, "payload": None}],
)  # fmt: skip
def test_what_is_no_event_is_rejected(value: Any) -> None:
    """A value that is no change event is rejected with a code of its own."""
    with pytest.raises(Rejection) as caught:
        run_event(value)
    assert caught.value.code in ("debezium_envelope", "debezium_document")


NAMED = str(uuid.UUID(bytes=md5(HOLE.encode()).digest(), version=3))


@pytest.mark.parametrize(
    "form",
    [HOLE, base64.b64encode(HOLE.encode()).decode(), HOLE.encode(), HOLE.encode().hex(), [HOLE],
     [*HOLE.encode()], [NAMED], {HOLE: HOLE}],
    ids=["text", "base64", "bytes", "hex", "list of text", "list of integers", "uuids", "map"],
)  # fmt: skip
def test_an_unavailable_value_stays_as_it_is(form: Any) -> None:
    """In each form a column can have; only an image that is known to be whole has its value."""
    (found,) = run_event(event("u", None, {"id": 1, "big": form, "a": 2}))
    assert found.value == {"id": 1, "big": UNAVAILABLE, "a": 2}
    known = event("u", {"id": 1, "big": "known"}, {"id": 1, "big": form})
    (found,) = run_event(known)
    assert found.value == {"id": 1, "big": UNAVAILABLE}
    (found,) = run_event(known, before_images="whole")
    assert found.value == {"id": 1, "big": "known"}
    unknown = event("u", {"id": 1, "big": form}, {"id": 1, "big": form})
    (found,) = run_event(unknown, before_images="whole")
    assert found.value["big"] is UNAVAILABLE


def test_a_new_key_with_an_unavailable_value_is_rejected() -> None:
    """Rejected: only the row of the old key has the value, so it must not be deleted."""
    moved = event("u", {"id": 1, "a": 1}, {"id": 2, "a": 1, "big": HOLE})
    whole: dict[str, Any] = {"before_images": "whole"}
    for options in (whole, {}):
        with pytest.raises(Rejection) as caught:
            run_event(moved, {"id": 1}, key_fields=["id"], **options)
        assert caught.value.code == "debezium_unavailable"
    known = event("u", {"id": 1, "big": "x"}, {"id": 2, "big": HOLE})
    gone, made = run_event(known, key_fields=["id"], before_images="whole")
    assert (gone.change, made.change, made.value) == ("delete", "upsert", {"id": 2, "big": "x"})


def test_another_placeholder() -> None:
    """Debezium's own option changes it, and so does ours."""
    (found,) = run_event(event("u", None, {"id": 1, "a": "?", "b": HOLE}), unavailable="?")
    assert found.value == {"id": 1, "a": UNAVAILABLE, "b": HOLE}


def test_fields_of_the_event_can_be_kept() -> None:
    """By their path; an absent one is null."""
    (found,) = run_event(
        event("c", None, {"id": 1}), insert={"op": "op", "lsn": "source.lsn", "no": "source.no"}
    )
    assert found.value == {"id": 1, "op": "c", "lsn": 77, "no": None}
