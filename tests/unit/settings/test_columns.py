"""Rules of columns and routes: what has no meaning together is refused, in [tables.NAME] too."""

import re

import pytest

from tests.unit.factories import settings
from tests.unit.settings.conftest import KAFKA, Config
from tests.unit.settings.options import OPTIONS, TABLE_OPTIONS, split

WRONG = ("[[1]]", "true", "-1", "5.5", '"no such word"', '""', "{ x = 1 }", "[{ x = 1 }]", "[]")


@pytest.mark.parametrize("path", TABLE_OPTIONS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_table_of_its_own_is_named_the_same(path: str, wrong: str, config: Config) -> None:
    """A wrong value in [tables.NAME] is refused if, and with what text, it is in [table]."""
    name = split(path)[1]
    needs = OPTIONS[path].needs
    if name in needs:
        needs = ""
    message, own = [
        config.error(f"{KAFKA}[{section}]\n{needs}{name} = {wrong}\n")
        for section in ("table", "tables.orders")
    ]
    assert (message is None) == (own is None)
    if message is not None and own is not None:
        assert own == re.sub(r"\btable\b(?=[.:\]])", "tables.orders", message)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("decimal_scale = 2", 'decimal_scale has no meaning without decimals = "integer"'),
        ('separator = "__"', 'separator has no meaning without nested = "flatten"'),
        ('nested = "flatten"\nseparator = "."', 'or set column_names = "rewrite"'),
        ('nested = "flatten"\nseparator = ""', "at least 1 character"),
        ('decimals = "integer"\ndecimal_scale = 19', "less than or equal to 18"),
    ],
)
@pytest.mark.parametrize("table", ["table", "tables.orders"])
def test_options_of_columns_that_do_not_fit(
    table: str, section: str, text: str, config: Config
) -> None:
    """They are refused with the key's place and the remedy."""
    message = config.refused(f"{KAFKA}[{table}]\n{section}\n")
    assert text in message
    assert f"{table}" in message


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ('route_field = "kind"', "route_field needs route_tables"),
        ('route_header = "kind"\nroute_tables = []', "route_header needs route_tables"),
        ('route_field = "a"\nroute_header = "b"\nroute_tables = ["x"]', "keep one"),
        ('route_missing = "reject"\nroute_tables = ["x"]', "route_missing has no meaning"),
        ('route_tables = ["x", "y", "x"]', "route_tables names twice: x"),
        ('route_tables = ["x-y"]', "mapping.route_tables.0: a name has 1 to 255"),
        ('route_field = ""\nroute_tables = ["x"]', "mapping.route_field"),
    ],
)
def test_routes_that_do_not_fit(mapping: str, text: str, config: Config) -> None:
    """They are refused at the start, and the text names the key."""
    assert text in config.refused(f"{KAFKA}[mapping]\n{mapping}\n")


def test_what_the_other_way_of_a_table_makes_meaningless_is_not_inherited() -> None:
    """A table that turns off flattening is not refused for the separator of [table]."""
    made = settings(
        table={"nested": "flatten", "separator": "__", "decimals": "integer", "decimal_scale": 2},
        tables={"orders": {"nested": "json", "decimals": "string"}, "others": {"times": "iso8601"}},
    )
    assert (made.rules_of("orders").separator, made.rules_of("orders").decimal_scale) == ("_", 0)
    assert (made.rules_of("others").separator, made.rules_of("others").decimal_scale) == ("__", 2)


def test_text_as_binary_by_default() -> None:
    """Base64; the Java connector's own bytes of the text where its conversions are asked for."""
    assert settings().table.binary_by == "base64"
    assert settings(table={"conversions": "connector"}).table.binary_by == "utf8"
    assert settings(table={"conversions": "connector", "binary_text": "hex"}).table.binary_by == (
        "hex"
    )
