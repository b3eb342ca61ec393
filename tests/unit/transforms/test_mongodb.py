"""MongoDB: documents and identifiers in text of extended JSON."""

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from tests.unit.transforms.factories import event, run_event

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


PLAIN = {
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
    ("text", "plain"),
    [(OID, PLAIN["_id"]), ("1004", 1004), ('"abc"', "abc"), ('{"a": 1}', {"a": 1})],
)
def test_mongodb_identifiers(text: str, plain: Any) -> None:
    """In the key they are text of extended JSON; other sources' keys are what they are."""
    (gone,) = run_event(event("d", connector="mongodb"), {"id": text}, BY_OID)
    assert (gone.value, gone.key) == ({"_id": plain}, {"id": plain})
    (gone,) = run_event(event("d"), {"schema": {}, "payload": {"id": text}})
    assert gone.key == {"id": text}


def test_mongodb_updates_without_the_document() -> None:
    """Rejected with the remedy, or passed on with what they have."""
    value = event("u", connector="mongodb")
    value["updateDescription"] = {
        "updatedFields": '{"a": {"$numberLong": "5"}}',
        "removedFields": ["old"],
    }
    with pytest.raises(Rejection, match="change_streams_update_full"):
        run_event(value, {"id": OID}, BY_OID)
    (found,) = run_event(value, {"id": OID}, BY_OID, partial="pass")
    assert found.value == {"_id": PLAIN["_id"], "a": 5, "old": None}
