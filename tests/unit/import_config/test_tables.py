"""import-config of tables: key columns, listed columns, names, insert and delete modes."""

import pytest

from tests.unit.import_config.factories import imported, wide


@pytest.mark.parametrize("mode", ["record_key", "record_value", "RECORD_KEY"])
def test_keys_and_columns(mode: str) -> None:
    """Names and types in their order, whatever the case and the blanks around them."""
    made, _ = imported(
        {
            "primarykey.mode": mode,
            "tablestore.orders.primarykey.name": "a, b ,c",
            "tablestore.orders.primarykey.type": "string,INTEGER, auto_increment",
            "tablestore.orders.columns.whitelist.name": "x,y,",
            "tablestore.orders.columns.whitelist.type": "double,boolean,",
        }
    )
    rules = made.rules_of("orders")
    assert rules.primary_key_mode == mode.lower()
    assert rules.key_columns == (("a", "string"), ("b", "integer"), ("c", "auto_increment"))
    assert rules.columns != "all"
    assert [(c.name, c.type) for c in rules.columns] == [("x", "double"), ("y", "boolean")]


def test_several_tables() -> None:
    """The map wins over the format; each table has its own rules."""
    made, notes = imported(
        {
            "topics": "a, b.c, d",
            "table.name.format": "t_<topic>_<topic>",
            "topics.assign.tables": "b.c:bc, zzz:other",
            "primarykey.mode": "record_value",
            **{f"tablestore.{t}.primarykey.name": f"id_{t}" for t in ("t_a_a", "bc", "t_d_d")},
            **{f"tablestore.{t}.primarykey.type": "binary" for t in ("t_a_a", "bc", "t_d_d")},
        }
    )
    assert [made.table_of(topic) for topic in made.kafka.topics] == ["t_a_a", "bc", "t_d_d"]
    for table in ("t_a_a", "bc", "t_d_d"):
        assert made.rules_of(table).key_columns == ((f"id_{table}", "binary"),)
        assert made.rules_of(table).binary_by == "utf8"
    assert "zzz" in notes["topics.assign.tables"]
    assert made.without_effect() == []


@pytest.mark.parametrize("kind", ["kafka", "local", None, "odd"])
def test_search(kind: str | None) -> None:
    """The undocumented mode, with its column of the time; an odd word is kafka there."""
    key = "tablestore.orders.search.timestamp.type"
    made, notes = imported({"primarykey.mode": "search", **({key: kind} if kind else {})})
    rules = made.rules_of("orders")
    assert [name for name, _ in rules.key_columns] == ["md5", "topic", "partition", "offset"]
    assert rules.search_timestamp == ("local" if kind == "local" else "kafka")
    assert (key in notes) == (kind == "odd")


@pytest.mark.parametrize("insert", ["put", "update", "UPDATE"])
@pytest.mark.parametrize("delete", ["none", "row", "column", "row_and_column "])
def test_insert_and_delete(insert: str, delete: str) -> None:
    """Both modes as they were; that tombstones delete now is noted."""
    made, notes = imported({**wide("record_key"), "insert.mode": insert, "delete.mode": delete})
    rules = made.rules_of("orders")
    assert (rules.insert_mode, rules.delete_mode) == (insert.lower(), delete.strip())
    assert "tombstone" in notes["delete.mode"]
    assert ("rows that should have been deleted" in notes["delete.mode"]) == ("row" in delete)
