"""Each option alone: from the file, from the environment, wrong, unknown. No option is left out."""

from typing import Any

import pytest

from connectors.settings.reference import page
from connectors.settings.tables import TableSettings
from tests.unit.factories import CANARY, settings
from tests.unit.settings.conftest import KAFKA, Config
from tests.unit.settings.options import (
    OPTIONS,
    TABLE_OPTIONS,
    Option,
    file_with,
    paths,
    split,
    value_of,
    variable,
)

_DEFAULTS = settings()
each_option = pytest.mark.parametrize("path", list(paths()))
TOPICS_ELSE = {"kafka.topics_pattern": {"SYNC__KAFKA__TOPICS": "[]"}}


def test_the_table_of_options_is_whole() -> None:
    """Every option of the models is tried here, and every one tried exists."""
    assert set(OPTIONS) == set(paths())


@each_option
def test_an_option_comes_from_the_environment(path: str, config: Config) -> None:
    """A variable sets each option, lists and tables as JSON; the value is not the default."""
    option = OPTIONS[path]
    environ = {variable(path): option.variable, **TOPICS_ELSE.get(path, {})}
    loaded = config.load(file_with(path, ""), environ)
    assert value_of(loaded, path) == option.value
    default = type(getattr(loaded, split(path)[0])).model_fields[split(path)[1]]
    assert option.value != default.get_default(call_default_factory=True), "shows nothing"


@each_option
def test_the_environment_wins_over_the_file(path: str, config: Config) -> None:
    """Where both set an option, the variable's value holds."""
    option = OPTIONS[path]
    in_file = config.load(file_with(path, option.toml))
    both = config.load(
        file_with(path, option.toml),
        {variable(path): option.variable, **TOPICS_ELSE.get(path, {})},
    )
    assert value_of(both, path) == option.value
    assert value_of(in_file, path) != option.value, "the file had the same value"


def test_lower_case_variables_count_too(config: Config) -> None:
    """The case of a variable's name does not matter."""
    loaded = config.load(KAFKA, {"sync__kafka__group": "low", "Sync__Window__Rows": "7"})
    assert (loaded.kafka.group, loaded.window.rows) == ("low", 7)


@each_option
def test_a_wrong_value_in_the_file_is_named(path: str, config: Config) -> None:
    """A value of a wrong type is rejected with the key and its file."""
    message = config.refused(file_with(path, "[[1]]"))
    assert path in message
    assert str(config.file) in message
    assert "environment variable" not in message.replace("neither the environment", "")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("kafka.topics", "orders"),
        ("kafka.start", "yesterday"),
        ("kafka.lost_offset", "begin"),
        ("kafka.discovery_interval", "soon"),
        ("kafka.chunk_messages", "1.5"),
        ("kafka.properties", "client.id=x"),
        ("kafka.secret_property_files", '["sasl.password"]'),
        ("tablestore.queue", "many"),
        ("tablestore.timeout", ""),
        ("format.value", "avr"),
        ("format.key", "avr"),
        ("mapping.topics", '{"orders": "no-name"}'),
        ("table.primary_key_mode", "value"),
        ("table.primary_key", "[5]"),
        ("table.columns", "some"),
        ("table.search_timestamp", "now"),
        ("table.insert_mode", "insert"),
        ("table.delete_mode", "rows"),
        ("table.version", "timestamp"),
        ("table.version_unit", "m"),
        ("table.max_version_deviation", "0"),
        ("table.auto_create", "maybe"),
        ("table.time_to_live", "a day"),
        ("table.max_versions", "0"),
        ("window.rows", "0x10"),
        ("window.bytes", "4MB"),
        ("errors.tolerance", "some"),
        ("errors.dead_letters", "disk"),
        ("recovery.required", ""),
        ("recovery.partitions", "0"),
        ("shutdown.deadline", "0"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(path: str, wrong: str, config: Config) -> None:
    """A variable with a wrong value is refused with its own name, and the option's."""
    message = config.refused(file_with(path, ""), {variable(path): wrong})
    assert variable(path) in message
    assert path in message


@each_option
def test_an_unknown_key_beside_it_is_refused_with_the_nearest(path: str, config: Config) -> None:
    """A misspelt option is refused, in file and environment, and the right one is offered."""
    section, name = split(path)
    misspelt = f"{name}x"
    message = config.refused(
        f"{KAFKA}{misspelt} = 1\n" if section == "kafka" else _file(section, misspelt)
    )
    assert f"{section}.{misspelt}: unknown key" in message
    assert f"did you mean {name}?" in message
    message = config.refused(KAFKA, {variable(f"{section}.{misspelt}"): "1"})
    assert f"{section}.{misspelt}: unknown key" in message
    assert f"did you mean {name}?" in message
    assert variable(f"{section}.{misspelt}") in message


def _file(section: str, name: str) -> str:
    return f"{KAFKA}[{section}]\n{name} = 1\n"


@pytest.mark.parametrize("path", TABLE_OPTIONS)
def test_a_table_of_its_own_takes_every_option(path: str, config: Config) -> None:
    """[tables.NAME] overrides each option of [table] for that table only, file or environment."""
    option = OPTIONS[path]
    name = split(path)[1]
    toml = f"{KAFKA}[tables.orders]\n{option.needs}{name} = {option.toml}\n"
    other = {f"SYNC__TABLES__ORDERS__{name.upper()}": option.variable}
    for loaded, value in (
        (config.load(toml), _from_file(config, path, option)),
        (config.load(toml, other), option.value),
    ):
        assert getattr(loaded.rules_of("orders"), name) == value
        assert loaded.rules_of("elsewhere") == loaded.table == TableSettings()


def _from_file(config: Config, path: str, option: Option) -> Any:
    return value_of(config.load(file_with(path, option.toml)), path)


@pytest.mark.parametrize("path", TABLE_OPTIONS)
def test_a_table_of_its_own_is_checked_as_strictly(path: str, config: Config) -> None:
    """A wrong value and an unknown key under [tables.NAME] are refused like those of [table]."""
    name = split(path)[1]
    message = config.refused(f"{KAFKA}[tables.orders]\n{name} = [[1]]\n")
    assert f"tables.orders.{name}" in message
    assert str(config.file) in message
    message = config.refused(f"{KAFKA}[tables.orders]\n{name}x = 1\n")
    assert f"tables.orders.{name}x: unknown key; did you mean {name}?" in message


@each_option
def test_the_reference_page_has_it(path: str) -> None:
    """docs/options.md, generated from the models, has each option, also of [tables.NAME]."""
    section, name = split(path)
    (own,) = [text for text in page().split("\n## ") if text.startswith(f"[{section}]")]
    assert f"| `{path}` |" in own
    description = type(getattr(_DEFAULTS, section)).model_fields[name].description
    assert description, "an option without a description"
    assert " ".join(description.split()[:3]) in own


# Names of topics and tables are shown: that is how one finds the mistake.
_SHOWN = {"kafka.topics", "kafka.topics_pattern", "mapping.table_name"}


@pytest.mark.parametrize("path", sorted(set(paths()) - _SHOWN))
def test_no_error_shows_a_value(path: str, config: Config) -> None:
    """A wrong value may be a secret in the wrong place, so no error text quotes it."""
    wrong = (f'"{CANARY} "', f'["{CANARY}"]', f'{{ k = ["{CANARY}"] }}', f'[{{ a = "{CANARY}" }}]')
    message = [config.error(file_with(path, value)) for value in wrong]
    assert CANARY not in str(message)
    assert message.count(None) <= 1, "at most the plain text can be legal"
