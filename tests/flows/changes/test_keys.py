"""Keys of rows that the service generates, or that a search needs."""

import hashlib

import pytest
from tablestore import PK_AUTO_INCR

from tests.flows.changes.conftest import KEY, Topics, rows
from tests.flows.conftest import Case

pytestmark = pytest.mark.P3


def test_generated_keys_are_rows_of_their_own(embedded_case: Case, topics: Topics) -> None:
    """Without a number in the record the service makes one; a record with one names its row."""
    places = {topics.make(): "by_key", topics.make(): "by_value"}
    of_key, of_value = places
    for number in range(300):
        topics.send(of_key, {"id": "same"}, {"n": number})
        topics.send(of_value, None, {"id": "same", "n": number})
    for number in (1, 2):
        topics.send(of_key, {"id": "given", "seq": 7}, {"n": number})
        topics.send(of_value, None, {"id": "given", "seq": 7, "n": number})
    topics.send(of_key, {"id": "x", "seq": None}, {"n": 1})
    topics.send(of_value, None, {"id": "x", "seq": None, "n": 1})
    topics.send(of_key, "plain", {"n": 1})
    key = [*KEY, {"name": "seq", "type": "auto_increment"}]
    rules = {"primary_key": key, "auto_create": True}
    counts = topics.run(
        {
            "by_key": {"primary_key_mode": "record_key", **rules},
            "by_value": {"primary_key_mode": "record_value", **rules},
        },
        places,
    )
    for table in ("by_key", "by_value"):
        found = {
            (key[0][1], key[1][1]): columns["n"]
            for key, columns in embedded_case.store.rows(table).items()
        }
        assert found.pop(("given", 7)) == 2
        assert {text for text, _ in found} == {"same"}
        assert sorted(found.values()) == [*range(300)]
        schema = embedded_case.store.client.describe_table(table).table_meta.schema_of_primary_key
        assert schema[1][2] is PK_AUTO_INCR
    assert counts["written"] == 604
    assert counts["rejected"] == 3


@pytest.mark.P5
def test_an_auto_increment_column_is_compared(embedded_case: Case) -> None:
    """P5: a table whose column is not generated is of another shape, and the other way round."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"), ("seq", "INTEGER")))
    key = [*KEY, {"name": "seq", "type": "auto_increment"}]
    case.flow.set({"table": {"primary_key_mode": "record_key", "primary_key": key}})
    case.flow.start().refused("seq integer", "seq auto_increment", "remedy")


def test_keys_to_search_by(embedded_case: Case, topics: Topics) -> None:
    """Mode search: five digits of a hash, topic, partition and offset, and the time on demand."""
    topic, timed = topics.make(), topics.make()
    for each in (topic, timed):
        topics.send(each, None, {"a": 1}, 1_700_000_000_123)
        topics.send(each, None, {"a": 2, "timestamp": 5}, 1_700_000_000_456)
        topics.send(each, None, {"md5": "taken"})
    rules = {"primary_key_mode": "search", "auto_create": True}
    topics.run(
        {"plain": rules, "timed": {**rules, "search_timestamp": "kafka"}},
        {topic: "plain", timed: "timed"},
    )
    store = embedded_case.store
    for offset, columns in enumerate([{"a": 1}, {"a": 2, "timestamp": 5}]):
        digest = hashlib.md5(f"{topic}_0_{offset}".encode()).hexdigest()[:5]
        key = (("md5", digest), ("topic", topic), ("partition", 0), ("offset", offset))
        assert store.rows("plain")[key] == columns
    assert len(store.rows("plain")) == 2
    found = rows(store, "timed")
    assert found == {
        0: {"a": 1, "timestamp": 1_700_000_000_123},
        1: {"a": 2, "timestamp": 1_700_000_000_456},
    }
