"""Table names by rule: prefixes, the last part, regular expressions, lower case."""

from typing import Any

import pytest

from connectors.mapping.row_mapper import RowMapper
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit.factories import dead_in, record_chunk, settings

_LEGAL = {"pattern": "[^A-Za-z0-9_]", "by": "_"}
EVERY = {"kafka": {"topics_pattern": ".*"}}


@pytest.mark.parametrize(
    ("rules", "topic", "table"),
    [
        ({}, "orders", "orders"),
        ({"lower_case": True}, "Orders", "orders"),
        ({"last_part": True}, "prod.shop.orders", "orders"),
        ({"last_part": True}, "orders", "orders"),
        ({"prefixes": {"prod.": "p_", "prod.shop.": "s_"}}, "prod.shop.orders", "s_orders"),
        ({"prefixes": {"prod.": "p_", "prod.shop.": "s_"}}, "prod.orders", "p_orders"),
        ({"prefixes": {"prod.": "p_"}}, "dev.prod.x", "dev.prod.x"),
        ({"prefixes": {"prod.": ""}}, "prod.orders", "orders"),
        ({"replace": [_LEGAL]}, "a.b-c", "a_b_c"),
        ({"replace": [{"pattern": r"^(\d)", "by": r"t\1"}]}, "9x", "t9x"),
        ({"replace": [{"pattern": "(?P<a>x)|(y)", "by": r"\g<a>\2z"}]}, "ayb", "ayzb"),
        ({"replace": [{"pattern": "(?i)^SHOP[.]"}, _LEGAL]}, "shop.a.b", "a_b"),
        (
            {"prefixes": {"prod.": "p."}, "last_part": True, "replace": [_LEGAL],
             "lower_case": True, "table_name": "K_<topic>"},
            "prod.shop.Orders-2",
            "K_orders_2",
        ),
        ({"lower_case": True, "topics": {"Orders": "Mine"}}, "Orders", "Mine"),
    ],
)  # fmt: skip
def test_the_table_of_a_topic(rules: dict[str, Any], topic: str, table: str) -> None:
    """The rules in their order; a topic's own entry wins over all of them."""
    assert settings(mapping=rules, **EVERY).table_of(topic) == table


def test_an_illegal_name_is_reported() -> None:
    """At the start where the topic is known, else by the record's rejection."""
    rules = {"replace": [{"pattern": "orders", "by": "or-ders"}]}
    with pytest.raises(
        ValueError, match=r"'or-ders', which is not a table name.*rules of \[mapping\]"
    ):
        settings(mapping=rules)
    found = RowMapper(settings(mapping=rules, **EVERY), RowEncoder()).map_chunk(
        record_chunk([{"a": 1}])
    )
    (dead,) = dead_in([batch for _, batch in found])
    assert (dead.code, "[mapping]" in dead.reason) == ("table_name", True)


@pytest.mark.parametrize(
    "rule",
    [{"pattern": "("}, {"pattern": "a", "by": r"\2"}, {"pattern": "a", "by": r"\g<x>"}, {"by": "x"},
     {"pattern": "(?x) o # c", "by": r"\1"}, {"pattern": ""}, {"pattern": "a", "with": "x"}],
)  # fmt: skip
def test_a_rule_that_cannot_work_stops_the_start(rule: dict[str, str]) -> None:
    """Also where only the text in the place of a match is wrong."""
    with pytest.raises(ValueError, match=r"mapping\.replace"):
        settings(mapping={"replace": [rule]})
