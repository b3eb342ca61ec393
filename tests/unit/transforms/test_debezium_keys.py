"""Partial images: nothing is taken of them that the record's key or the row contradicts."""

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.row_mapper import RowMapper
from connectors.records import UNAVAILABLE, PlainMessage, Record, RecordChunk
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import settings
from tests.unit.transforms.factories import BY_ID, EVENT_MESSAGE, event, run_event
from tests.unit.transforms.test_debezium import HOLE

BY_TWO = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "id", "type": "integer"}, {"name": "slug"}],
}
WHOLE: dict[str, Any] = {"before_images": "whole"}
SAMPLE = event(
    "u",
    {"id": 0, "slug": "a", "body": "", "views": 0},
    {"id": 7, "slug": "b", "body": HOLE, "views": 3},
    "postgresql",
)
ROW = {"id": 7, "slug": "b", "body": UNAVAILABLE, "views": 3}


def did(found: list[Record]) -> list[tuple[str, Any]]:
    """What became of the event, in short."""
    return [(record.change, record.value) for record in found]


def code(*args: Any, **options: Any) -> str:
    """The code of the rejection."""
    with pytest.raises(Rejection) as caught:
        run_event(*args, **options)
    return caught.value.code


@pytest.mark.parametrize("key", [{"id": 7}, None, 7, "7", {"schema": {}, "payload": {"id": 7}}])
def test_fillers_of_a_partial_image_change_nothing(key: Any) -> None:
    """No living row 0 is deleted, and no text "" takes the place of a value that was not sent."""
    assert did(run_event(SAMPLE, key)) == [("upsert", ROW)]


@pytest.mark.parametrize(
    ("insert_mode", "rows", "rejected"),
    [("update", 1, []), ("put", 0, ["value_unavailable"])],
)
def test_the_value_that_was_not_sent_in_a_table(
    insert_mode: str, rows: int, rejected: list[str]
) -> None:
    """An update skips it, a put that would lose it is rejected; neither deletes a row."""
    table = {**BY_ID, "insert_mode": insert_mode, "delete_mode": "row"}
    chosen = settings(table=table, transforms=[{"type": "debezium"}])
    step = pipeline(chosen)
    assert step is not None
    records = [*step(Record(EVENT_MESSAGE, SAMPLE, {"id": 7}))]
    out = RowMapper(chosen, RowEncoder()).map_chunk(RecordChunk("orders", 0, records, []))
    segments = [segment for _, (found, _) in out for segment in found]
    assert sum(len([*segment.rows()]) for segment in segments) == rows
    assert [each.code for _, (_, dead_letters) in out for each in dead_letters] == rejected
    assert b"body" not in b"".join(row.wire for segment in segments for row in segment.rows())


FILLERS = [
    "", 0, 0.0, False, b"", [], Decimal(0), date(1970, 1, 1),
    datetime(1970, 1, 1, tzinfo=timezone.utc), "1970-01-01T00:00:00Z",
    "00000000-0000-0000-0000-000000000000",
]  # fmt: skip


@pytest.mark.parametrize("filler", FILLERS, ids=repr)
def test_fillers_of_every_type(filler: Any) -> None:
    """Of keys too: an update stays one row, and a delete that only a filler names is rejected."""
    assert did(run_event(event("u", {"id": filler}, {"id": "k"}), {"id": "k"})) == [
        ("upsert", {"id": "k"})
    ]
    assert did(run_event(event("u", {"id": filler}, {"id": "k"}))) == [("upsert", {"id": "k"})]
    assert code(event("d", {"id": filler, "a": 1})) == "debezium_key"
    assert did(run_event(event("d", {"id": filler, "a": 1}), {"id": "k"})) == [
        ("delete", {"id": "k", "a": 1})
    ]
    assert did(run_event(event("d", {"id": filler}), **WHOLE)) == [("delete", {"id": filler})]


@pytest.mark.parametrize("key", [{"id": 1}, 1, "1"])
def test_a_change_that_the_records_key_says(key: Any) -> None:
    """The key is the old row's: that row goes, with nothing else of the image before."""
    changed = event("u", {"id": 1, "a": 0}, {"id": 2, "a": 5})
    gone, made = run_event(changed, key)
    assert (gone.change, gone.value) == ("delete", {"id": 1})
    assert (made.change, made.value) == ("upsert", {"id": 2, "a": 5})
    new = {"id": 2} if isinstance(key, dict) else 2
    assert (gone.key, made.key) == (key, new)


def test_a_change_that_the_records_key_contradicts() -> None:
    """The key is the new row's, so the old one's image is not believed."""
    assert did(run_event(event("u", {"id": 1}, {"id": 2}), {"id": 2})) == [("upsert", {"id": 2})]


@pytest.mark.parametrize("key", [None, {"other": 5}, {"id": 9}, 9, [1]])
def test_a_change_that_nothing_settles_is_rejected(key: Any) -> None:
    """Neither a stale row nor a wrong delete without a word; with the setting in the reason."""
    with pytest.raises(Rejection, match="before_images") as caught:
        run_event(event("u", {"id": 1}, {"id": 2}), key)
    assert caught.value.code == "debezium_key"
    assert len(run_event(event("u", {"id": 1}, {"id": 2}), key, **WHOLE)) == 2


@pytest.mark.parametrize(
    ("key", "before", "after", "becomes"),
    [
        ({"id": 7, "slug": "b"}, {"id": 0, "slug": ""}, {"id": 7, "slug": "b"}, 1),
        ({"id": 7}, {"id": 7, "slug": ""}, {"id": 7, "slug": "b"}, 1),
        ({"id": 7}, {"id": 7, "slug": "a"}, {"id": 7, "slug": "b"}, "debezium_key"),
        ({"id": 7, "slug": "a"}, {"id": 0, "slug": "a"}, {"id": 7, "slug": "b"}, 2),
        ({"id": 1}, {"id": 1, "slug": ""}, {"id": 2, "slug": "b"}, "debezium_key"),
        ({"id": 1}, {"id": 1, "slug": "b"}, {"id": 2, "slug": "b"}, 2),
        ({"id": 7, "slug": "a"}, {"id": 7, "slug": "a"}, {"id": 0, "slug": "b"}, "debezium_key"),
        ({"id": 7}, {"id": 7}, {"slug": "b"}, 1),
    ],
)  # fmt: skip
def test_composite_keys(key: Any, before: Any, after: Any, becomes: int | str) -> None:
    """Each field is settled by itself; the old row is only deleted where all of it is known."""
    changed = event("u", before, after)
    if isinstance(becomes, str):
        assert code(changed, key, BY_TWO) == becomes
        return
    found = run_event(changed, key, BY_TWO)
    assert len(found) == becomes
    if becomes == 2:
        assert found[0].value == {"id": found[0].value["id"], "slug": before["slug"]}
        assert found[0].value["id"] == key["id"]


@pytest.mark.parametrize(
    ("key", "before", "becomes"),
    [
        ({"id": 7}, None, {"id": 7}),
        ({"id": 7}, {"id": 7, "a": None}, {"id": 7}),
        ({"id": 7}, {"id": 3, "a": "", "b": 0, "c": "x"}, {"id": 7, "c": "x"}),
        (7, {"id": 7}, {"id": 7}),
        ("7", {"id": 7}, {"id": 7}),
        (None, {"id": 7}, {"id": 7}),
        ({"other": 1}, {"id": 7}, {"id": 7}),
        (5, {"id": 7}, "debezium_key"),
        (5, {"id": 0}, "debezium_key"),
        (None, {"id": 0}, "debezium_key"),
        ({"other": 1}, {"id": 0}, "debezium_key"),
        (None, None, {}),
    ],
)
def test_deletes(key: Any, before: Any, becomes: Any) -> None:
    """Of identities DEFAULT, FULL, NOTHING and an index: the record's own key decides."""
    if isinstance(becomes, str):
        assert code(event("d", before), key) == becomes
    else:
        assert did(run_event(event("d", before), key)) == [("delete", becomes)]


@pytest.mark.parametrize(
    ("key", "before", "becomes"),
    [
        ({"id": 7}, {"id": 7, "slug": "none"}, "debezium_key"),  # perhaps the column's default
        ({"id": 7, "slug": "a"}, {"id": 7, "slug": "none"}, {"id": 7, "slug": "a"}),
        (None, {"id": 7, "slug": "a"}, {"id": 7, "slug": "a"}),
        (None, {"id": 7, "slug": "0.00"}, "debezium_key"),  # a decimal as text
    ],
)
def test_deletes_by_a_key_of_two(key: Any, before: Any, becomes: Any) -> None:
    """An image that has no more than the record's key does not tell the rest of the row's."""
    if isinstance(becomes, str):
        with pytest.raises(Rejection) as caught:
            run_event(event("d", before), key, BY_TWO)
        assert caught.value.code == becomes
    else:
        assert did(run_event(event("d", before), key, BY_TWO)) == [("delete", becomes)]


@pytest.mark.parametrize("op", ["c", "r", "u"])
@pytest.mark.parametrize("before", [None, {"id": 7}])
def test_a_filler_in_the_image_after(op: str, before: Any) -> None:
    """MySQL's binlog_row_image = minimal leaves the key out: no row 0 is written."""
    minimal = event(op, before, {"id": 0, "a": 5})
    assert code(minimal, {"id": 7}) == "debezium_key"
    assert did(run_event(minimal, {"id": 0})) == [("upsert", {"id": 0, "a": 5})]


@pytest.mark.parametrize("op", ["c", "r"])
def test_an_image_before_means_something_in_updates_only(op: str) -> None:
    """Whatever stands there."""
    assert did(run_event(event(op, {"id": 1}, {"id": 2}), None)) == [("upsert", {"id": 2})]


def test_the_create_of_a_changed_key() -> None:
    """Debezium sends it after the delete of the old row, which alone had what was not sent."""
    made = event("c", None, {"id": 2, "big": HOLE})
    assert did(run_event(made, {"id": 2})) == [("upsert", {"id": 2, "big": UNAVAILABLE})]
    message = PlainMessage("orders", 0, 1, headers=[("__debezium.oldkey", b'{"id":1}')])
    step = pipeline(settings(table=BY_ID, transforms=[{"type": "debezium"}]))
    assert step is not None
    with pytest.raises(Rejection) as caught:
        step(Record(message, made, {"id": 2}))
    assert caught.value.code == "debezium_unavailable"


def test_fillers_of_a_delete_are_no_values_for_other_steps() -> None:
    """They make no rejection and no filter of it, which would leave the row."""
    before = {"id": 7, "j": "", "at": "", "n": "", "real": "5"}
    step = pipeline(
        settings(
            table={**BY_ID, "delete_mode": "row"},
            transforms=[
                {"type": "debezium"},
                {"type": "json", "fields": ["j"], "into": "columns"},
                {"type": "timestamp", "fields": ["at"]},
                {"type": "cast", "fields": {"n": "integer", "real": "integer"}},
                {"type": "filter", "drop": {"field": "n", "equals": ""}},
            ],
        )
    )
    assert step is not None
    (gone,) = step(Record(EVENT_MESSAGE, event("d", before), {"id": 7}))
    assert (gone.change, gone.value) == ("delete", {"id": 7, "real": 5})


def test_deletes_that_are_dropped_or_marked() -> None:
    """As rows with a field that says so; of a partial image the key alone."""
    gone = event("d", {"id": 7, "a": ""})
    changed = event("u", {"id": 1, "a": ""}, {"id": 2, "a": 5})
    assert run_event(gone, {"id": 7}, deletes="drop") == []
    assert did(run_event(changed, {"id": 1}, deletes="drop")) == [("upsert", {"id": 2, "a": 5})]
    update = {**BY_ID, "insert_mode": "update"}
    mark: dict[str, Any] = {"deletes": "mark"}
    assert did(run_event(gone, {"id": 7}, update, **mark)) == [
        ("upsert", {"id": 7, "__deleted": "true"})
    ]
    assert did(run_event(changed, {"id": 1}, update, **mark)) == [
        ("upsert", {"id": 1, "__deleted": "true"}),
        ("upsert", {"id": 2, "a": 5, "__deleted": "false"}),
    ]
    assert code(gone, {"id": 7}, **mark) == "debezium_partial"
    named = run_event(gone, {"id": 7}, **mark, **WHOLE, deleted_field="gone")
    assert did(named) == [("upsert", {"id": 7, "a": "", "gone": "true"})]
    by_key = {**update, "primary_key_mode": "record_key"}
    assert did(run_event(gone, {"id": 7}, by_key, **mark)) == [
        ("upsert", {"id": 7, "__deleted": "true"})
    ]
    assert did(run_event(gone, {"id": 7}, {}, **mark)) == [
        ("upsert", {"id": 7, "__deleted": "true"})
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"ts_ms": 1},
        {"ts_ms": 1, "ts_us": 1, "ts_ns": 1},
        {"status": "BEGIN", "id": "571:53", "event_count": None, "data_collections": None},
        {"status": "END", "id": "1", "event_count": 2, "data_collections": [], "ts_ms": 5},
        {"source": {}, "databaseName": "shop", "ddl": "CREATE TABLE t (id INT)"},
        {"source": {}, "ts_ms": 1, "databaseName": "s", "schemaName": "dbo", "ddl": None,
         "tableChanges": [{}]},
        {"source": {}, "ts_ms": 1, "databaseName": "s", "schemaName": "dbo", "tableChanges": []},
    ],
)  # fmt: skip
@pytest.mark.parametrize("envelope", [False, True])
def test_what_debezium_sends_beside_changes(value: Any, envelope: bool) -> None:
    """Heartbeats, transactions and schema changes are skipped; or a setting that is named."""
    if envelope:
        value = {"schema": {"type": "struct"}, "payload": value}
    assert run_event(value, {"serverName": "shop"}) == []
    with pytest.raises(Rejection, match="other_events") as caught:
        run_event(value, other_events="reject")
    assert caught.value.code == "debezium_other_event"


@pytest.mark.parametrize(
    "value",
    [{}, {"op": None, "ts_ms": 1}, {"ts_ms": 1, "a": 2}, {"status": "DONE", "id": 1,
     "event_count": 1}, {"id": 1, "status": "BEGIN"}, {"ddl": "x", "databaseName": "a"}],
)  # fmt: skip
def test_what_only_looks_like_that(value: Any) -> None:
    """It is not an event of Debezium, and rejected as before."""
    assert code(value) == "debezium_envelope"
