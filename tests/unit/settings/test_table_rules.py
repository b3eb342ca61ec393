"""What is legal for tables: their names, keys and columns."""

from typing import Any

import pytest

from tests.unit.factories import settings
from tests.unit.settings.conftest import KAFKA, Config


@pytest.mark.parametrize(
    "name", ["9a", "a-b", "a b", "", "ä", "a.b", "a" * 256, "a\n", "a\x00", "a;drop", "<topic>"]
)
def test_illegal_names_are_refused_everywhere(name: str) -> None:
    """A name no table or column can have is refused in each place that takes one."""
    key = {"primary_key_mode": "record_key"}
    places: list[dict[str, Any]] = [
        {"mapping": {"topics": {"orders": name}}},
        {"tables": {name: {}}},
        {"table": {"columns": [{"name": name, "type": "string"}]}},
        {"table": {**key, "primary_key": [{"name": name}]}},
        {"tables": {"orders": {**key, "primary_key": [{"name": name}]}}},
    ]
    for sections in places:
        with pytest.raises(ValueError, match=r"1 to 255 of the characters"):
            settings(**sections)


@pytest.mark.parametrize("name", ["a", "_", "_9", "A" * 255, "aB_9"])
def test_legal_names_are_taken_everywhere(name: str) -> None:
    """The shortest, the longest and the oddest legal names work."""
    made = settings(
        mapping={"topics": {"orders": name}},
        tables={name: {"columns": [{"name": name, "type": "string"}]}},
    )
    assert made.rules_of(made.table_of("orders")).columns != "all"


@pytest.mark.parametrize("pattern", ["<topics>", "", "9<topic>", "<topic>-x", "a b", "<topic> "])
def test_a_table_name_that_cannot_be_one(config: Config, pattern: str) -> None:
    """table_name must give legal names, at least for short legal topics."""
    assert "table_name" in config.refused(f'{KAFKA}[mapping]\ntable_name = "{pattern}"\n')


def test_a_topic_without_a_legal_table_is_refused() -> None:
    """A topic whose name is no table name needs a table in [mapping.topics]; the text says so."""
    with pytest.raises(ValueError, match=r"'shop\.v2'.*\[mapping\.topics\]"):
        settings(kafka={"topics": ["shop.v2"]})
    made = settings(kafka={"topics": ["shop.v2"]}, mapping={"topics": {"shop.v2": "shop"}})
    assert made.table_of("shop.v2") == "shop"


def test_topics_win_over_table_name() -> None:
    """[mapping.topics] is looked at first; <topic> may stand anywhere, more than once."""
    made = settings(mapping={"table_name": "a_<topic>_<topic>", "topics": {"x": "y"}})
    assert made.table_of("orders") == "a_orders_orders"
    assert made.table_of("x") == "y"


_KEY = {"primary_key_mode": "record_value"}


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"primary_key": [{"name": "a"}]}, "no meaning"),
        ({"primary_key_mode": "record_key"}, "needs primary_key"),
        ({"primary_key_mode": "record_value", "primary_key": []}, "needs primary_key"),
        ({**_KEY, "primary_key": [{"name": name} for name in "abcde"]}, "at most 4"),
        ({**_KEY, "primary_key": [{"name": "a"}, {"name": "a"}]}, "twice: a"),
        (
            {
                **_KEY,
                "primary_key": [{"name": "a"}],
                "columns": [{"name": "a", "type": "string"}],
            },
            "twice: a",
        ),
        ({"columns": [{"name": "offset", "type": "string"}]}, "twice: offset"),
        ({"columns": [{"name": "b", "type": "string"}] * 2}, "twice: b"),
        ({**_KEY, "primary_key": [{"name": "a", "type": "double"}]}, "string"),
        ({**_KEY, "primary_key": [{"name": "a", "type": "boolean"}]}, "string"),
        (
            {"columns": [{"name": f"c{number}", "type": "string"} for number in range(1025)]},
            "1,024",
        ),
    ],
)
def test_keys_and_columns_that_do_not_fit(table: dict[str, object], word: str) -> None:
    """A key that no table can have, or that clashes with the columns, is refused: also for one."""
    for sections in ({"table": table}, {"tables": {"orders": table}}):
        with pytest.raises(ValueError, match=word):
            settings(**sections)


def test_the_most_columns_and_keys_are_taken() -> None:
    """1,024 columns and 4 key columns are legal."""
    columns = [{"name": f"c{number}", "type": "string"} for number in range(1024)]
    keys = [{"name": name} for name in "abcd"]
    made = settings(table={**_KEY, "primary_key": keys, "columns": columns})
    assert len(made.table.columns) == 1024
    assert [name for name, _ in made.table.key_columns] == [*"abcd"]


def test_a_table_of_its_own_can_go_back_to_kafka_keys() -> None:
    """Mode kafka for one table drops the key columns that it would inherit."""
    made = settings(
        table={**_KEY, "primary_key": [{"name": "a"}]},
        tables={"orders": {"primary_key_mode": "kafka"}},
    )
    assert made.rules_of("orders").key_columns == (
        ("topic_partition", "string"),
        ("offset", "integer"),
    )
    assert made.rules_of("others").key_columns == (("a", "string"),)


def test_lists_of_one_table_replace_those_of_all() -> None:
    """Columns of [tables.NAME] are its whole list, not an addition."""
    made = settings(
        table={"columns": [{"name": "a", "type": "string"}]},
        tables={"orders": {"columns": [{"name": "b", "type": "double"}]}},
    )
    columns = made.rules_of("orders").columns
    assert columns != "all"
    assert [column.name for column in columns] == ["b"]
