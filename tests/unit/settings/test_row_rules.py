"""What options of keys, deletes and versions may not have together."""

import pytest

from tests.unit.settings.conftest import KAFKA, Config

_RECORD_KEY = 'primary_key_mode = "record_key"\nprimary_key = [{ name = "k" }]\n'
_RECORD_VALUE = 'primary_key_mode = "record_value"\nprimary_key = [{ name = "k" }]\n'


def _keys(*types: str) -> str:
    columns = ", ".join(f'{{ name = "k{at}", type = "{kind}" }}' for at, kind in enumerate(types))
    return f'primary_key_mode = "record_key"\nprimary_key = [{columns}]\n'


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (_keys("auto_increment"), "the first column cannot be auto_increment"),
        (_keys("string", "auto_increment", "auto_increment"), "one auto_increment column at most"),
        ('primary_key_mode = "search"\nprimary_key = [{ name = "k" }]\n', "remove it"),
        ('search_timestamp = "kafka"\n', "search_timestamp needs primary_key_mode search"),
        (
            (
                'primary_key_mode = "search"\nsearch_timestamp = "kafka"\n'
                'columns = [{ name = "timestamp", type = "string" }]\n'
            ),
            "timestamp is an integer column",
        ),
        ('delete_mode = "row"\n', "needs primary_key_mode record_key: with kafka each record"),
        ('primary_key_mode = "search"\ndelete_mode = "column"\n', "with search each record"),
        (f'{_RECORD_VALUE}delete_mode = "column"\n', "needs primary_key_mode record_key"),
        (
            f'{_RECORD_VALUE}delete_mode = "row"\n',
            "or a transform of type debezium, delete_when or function",
        ),
        ('version = "field"\n', "version field needs version_field"),
        ('version_field = "f"\n', 'need version = "field"'),
        ('version = "record_timestamp"\nversion_unit = "s"\n', 'need version = "field"'),
        (
            f'{_RECORD_KEY}version = "record_timestamp"\ndelete_mode = "row"\n',
            "a late delete would take newer values along",
        ),
    ],
)
def test_what_keys_deletes_and_versions_need(config: Config, table: str, message: str) -> None:
    """What has no meaning together is refused, for all tables and for a single one."""
    assert message in config.refused(f"{KAFKA}[table]\n{table}")
    assert message in config.refused(f"{KAFKA}[tables.orders]\n{table}")


@pytest.mark.parametrize("kind", ["debezium", "function"])
def test_deletes_of_keys_in_the_value_need_a_transform_that_tells_them(
    config: Config, kind: str
) -> None:
    """A tombstone has no value and so no key there, but a transform may know which row is gone."""
    function = 'function = "package.module:name"\n' if kind == "function" else ""
    loaded = config.load(
        f'{KAFKA}[[transforms]]\ntype = "{kind}"\n{function}'
        f'[table]\n{_RECORD_VALUE}delete_mode = "row"\n'
    )
    assert loaded.table.deletes_rows


def test_what_hangs_on_an_overridden_option_does_not_come_along(config: Config) -> None:
    """A table that overrides key mode or version drops what has no meaning with its own."""
    loaded = config.load(
        f'{KAFKA}[table]\n{_RECORD_KEY}delete_mode = "row"\n'
        '[tables.a]\nprimary_key_mode = "kafka"\n'
        '[tables.b]\ndelete_mode = "none"\nversion = "field"\nversion_field = "f"\n'
    )
    assert loaded.rules_of("a").delete_mode == "none"
    assert loaded.rules_of("b").deviation == 10 * 365 * 86_400
    assert loaded.table.deviation == 86_400


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (_keys("string", "auto_increment"), "each replay makes a new row"),
        ('insert_mode = "update"\n', "an update is meaningless"),
        ('version = "record_timestamp"\n', "versions decide in it"),
    ],
)
def test_only_missing_is_for_puts_of_keys_of_their_own(
    config: Config, table: str, message: str
) -> None:
    """A replay of what is missing is refused where it could not tell, unless not replayed."""
    toml = f"{KAFKA}[tables.orders]\n{table}[replay]\nonly_missing = true\n"
    assert message in config.refused(toml)
    assert config.load(f'{toml}topics = ["others"]\n').replay.only_missing
