"""MongoDB: documents and identifiers in text of extended JSON."""

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.records import Record
from connectors.records.exact_time import ExactTime
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import settings
from tests.unit.transforms.factories import EVENT_MESSAGE, event, run_event

OID = '{"$oid": "596e275826f08b2730779e1f"}'


DOCUMENT = {
    "_id": {"$oid": "596e275826f08b2730779e1f"},
    "n": {"$numberLong": "9007199254740993"},
    "d": {"$numberDecimal": "1.10"},
    "at": {"$date": 1500000000123},
    "b": {"$binary": "AQI=", "$type": "00"},
    "inner": {"$odd": {"$numberInt": "3"}},
    "list": [{"$numberDouble": "1.5"}],
}


PLAIN: dict[str, Any] = {
    "_id": "596e275826f08b2730779e1f",
    "n": 9007199254740993,
    "d": Decimal("1.10"),
    "at": datetime(2017, 7, 14, 2, 40, 0, 123000, tzinfo=timezone.utc),
    "b": b"\x01\x02",
    "inner": {"$odd": 3},
    "list": [1.5],
}


BY_OID = {"primary_key_mode": "record_value", "primary_key": [{"name": "_id"}]}


def test_mongodb_documents() -> None:
    """Extended JSON in text becomes plain values; the key's id is the document's _id."""
    value = event("c", None, json.dumps(DOCUMENT), "mongodb")
    (found,) = run_event(value, {"id": OID}, BY_OID)
    assert (found.value, found.key) == (PLAIN, {"id": PLAIN["_id"]})
    (gone,) = run_event(event("d", connector="mongodb"), {"id": OID}, BY_OID)
    assert (gone.value, gone.change) == ({"_id": PLAIN["_id"]}, "delete")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        # Times of any year; what looks like a type and has more fields is an object.
        ({"$date": 253402300800000}, ExactTime("instant", 253402300800 * 10**9)),
        (
            {"$date": {"$numberLong": "-62135596800001"}},
            ExactTime("instant", -62135596800001 * 10**6),
        ),
        ({"$date": "2017-07-14T02:40:00.1Z"}, PLAIN["at"].replace(microsecond=100_000)),
        ({"$date": "2017-07-14T04:40:00.123+02:00"}, PLAIN["at"]),
        ({"$date": "2017-07-14"}, {"$date": "2017-07-14"}),
        ({"$date": 5, "x": 1}, {"$date": 5, "x": 1}),
        ({"$numberLong": "5", "unit": "kg"}, {"$numberLong": "5", "unit": "kg"}),
        ({"x": 1, "$oid": "a"}, {"x": 1, "$oid": "a"}),
        ({"$binary": {"base64": "AQI=", "subType": "00"}}, b"\x01\x02"),
        ({"$timestamp": {"t": 1, "i": 2}}, {"$timestamp": {"t": 1, "i": 2}}),
    ],
)
def test_values_of_documents(value: Any, plain: Any) -> None:
    """Extended JSON, relaxed and canonical."""
    text = json.dumps({"_id": DOCUMENT["_id"], "v": value})
    (found,) = run_event(event("c", None, text, "mongodb"), {"id": OID}, BY_OID)
    assert (type(found.value["v"]), found.value["v"]) == (type(plain), plain)


def test_a_field_that_became_null() -> None:
    """Its column is deleted, where delete_mode deletes columns."""
    value = update(updatedFields='{"a": null, "b": 1}')
    (found,) = run_event(value, {"id": OID}, DELETING, partial="pass")
    assert found.value == {"_id": PLAIN["_id"], "a": None, "b": 1}


@pytest.mark.parametrize(
    ("text", "plain"),
    [(OID, PLAIN["_id"]), ("1004", 1004), ('"abc"', "abc"), ('{"a": 1}', {"a": 1})],
)
def test_mongodb_identifiers(text: str, plain: Any) -> None:
    """In the key they are text of extended JSON; other sources' keys are what they are."""
    (gone,) = run_event(event("d", connector="mongodb"), {"id": text}, BY_OID)
    assert (gone.value, gone.key) == ({"_id": plain}, {"id": plain})
    (gone,) = run_event(event("d"), {"schema": {}, "payload": {"id": text}})
    assert gone.key == {"id": text}


UPDATED = {**BY_OID, "primary_key_mode": "record_key", "insert_mode": "update"}
DELETING = {**UPDATED, "delete_mode": "column"}


def update(**described: Any) -> dict[str, Any]:
    """An update without its document."""
    return {**event("u", connector="mongodb"), "updateDescription": described}


def test_updates_without_the_document() -> None:
    """Rejected with the remedy, or passed on with what they have."""
    value = update(updatedFields='{"a": {"$numberLong": "5"}}', removedFields=["old"])
    with pytest.raises(Rejection, match="change_streams_update_full"):
        run_event(value, {"id": OID}, DELETING)
    none: list[Any] = []
    for truncated in (none, None):
        value["updateDescription"]["truncatedArrays"] = truncated
        (found,) = run_event(value, {"id": OID}, DELETING, partial="pass")
        assert found.value == {"_id": PLAIN["_id"], "a": 5, "old": None}
    for nothing in ({}, {"updatedFields": None, "removedFields": None}):
        (found,) = run_event(update(**nothing), {"id": OID}, UPDATED, partial="pass")
        assert found.value == {"_id": PLAIN["_id"]}


@pytest.mark.parametrize(
    ("described", "table", "says"),
    [
        ({"updatedFields": '{"a": 1}', "truncatedArrays": [{"field": "tags", "newSize": 2}]},
         DELETING, "cut an array"),
        ({"updatedFields": '{"a.b": 1}'}, DELETING, "part of a field"),
        ({"updatedFields": '{"tags.3": 1}'}, DELETING, "part of a field"),
        ({"removedFields": ["a.b"]}, DELETING, "part of a field"),
        ({"updatedFields": '{"a": 1}', "removedFields": ["b"]}, UPDATED, "delete_mode"),
        ({"updatedFields": '{"a": 1}'}, BY_OID, "insert_mode"),
        ({"updatedFields": '{"a": 1, "b": null}'}, UPDATED, "to null"),
        ({"updatedFields": "[1]"}, DELETING, "no fields"),
        ({"removedFields": [5]}, DELETING, "no fields"),
        ({"removedFields": "old"}, DELETING, "no fields"),
    ],
)  # fmt: skip
def test_a_partial_change_that_no_row_can_follow(
    described: dict[str, Any], table: dict[str, Any], says: str
) -> None:
    """The fields that it also has are not written without the rest."""
    with pytest.raises(Rejection, match=says) as caught:
        run_event(update(**described), {"id": OID}, table, partial="pass")
    assert caught.value.code in ("debezium_partial", "debezium_envelope")


def test_images_before_of_mongodb() -> None:
    """A delete by its key, whatever the image says; a replaced document is whole."""
    before = json.dumps({"_id": {"$oid": "0" * 24}, "a": 1})
    (gone,) = run_event(event("d", before, connector="mongodb"), {"id": OID}, BY_OID)
    assert gone.value == {"_id": PLAIN["_id"], "a": 1}
    after = json.dumps({"_id": DOCUMENT["_id"], "a": 2})
    (found,) = run_event(event("u", before, after, "mongodb"), {"id": OID}, BY_OID)
    assert (found.change, found.value) == ("upsert", {"_id": PLAIN["_id"], "a": 2})


def test_tables_that_rows_may_name() -> None:
    """A partial change needs the rules of all of them, and the name of its own."""
    routed: dict[str, Any] = {
        "table": {**DELETING, "primary_key_mode": "record_value", "delete_mode": "row_and_column"},
        "mapping": {"route_field": "t", "route_tables": ["kept"], "route_missing": "reject"},
    }
    transform = {"type": "debezium", "partial": "pass"}

    def run(described: dict[str, Any], other: dict[str, Any], **mapping: Any) -> Any:
        made = settings(
            transforms=[transform],
            **{**routed, "mapping": {**routed["mapping"], **mapping}},
            tables={"kept": other},
        )
        step = pipeline(made)
        assert step is not None
        return [one.value for one in step(Record(EVENT_MESSAGE, update(**described), {"id": OID}))]

    some, null = {"updatedFields": '{"t": "kept"}'}, {"updatedFields": '{"a": null}'}
    assert run(some, {}) == [{"_id": PLAIN["_id"], "t": "kept"}]
    assert run(null, {}) == [{"_id": PLAIN["_id"], "a": None}]
    with pytest.raises(Rejection, match="every table"):
        run(some, {"insert_mode": "put"})
    with pytest.raises(Rejection, match="to null"):
        run(null, {"delete_mode": "row"})
    with pytest.raises(ValueError, match="route_missing"):
        run(some, {}, route_missing="topic")
