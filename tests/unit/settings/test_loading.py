"""Where settings come from, and what is said of a configuration that cannot be used."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import ConfigError
from connectors.settings import Settings
from connectors.settings.loading import load
from tests.unit.factories import settings
from tests.unit.settings.conftest import KAFKA, Config


def test_a_named_file_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named by argument or by SYNC_CONFIG that is not there is an error naming it."""
    missing = tmp_path / "nowhere.toml"
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(missing)
    monkeypatch.setenv("SYNC_CONFIG", str(missing))
    with pytest.raises(ConfigError, match=r"nowhere\.toml.*SYNC_CONFIG"):
        load()


def test_without_any_file_the_environment_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ./config.toml and none named: the variables alone make settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC__KAFKA__TOPICS", '["orders"]')
    assert load().kafka.topics == ("orders",)


def test_the_file_in_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./config.toml is the default; SYNC_CONFIG names another; an argument wins over both."""
    monkeypatch.chdir(tmp_path)
    for name in ("config", "variable", "argument"):
        Path(f"{name}.toml").write_text(f'[kafka]\ntopics = ["{name}"]\n')
    assert load().kafka.topics == ("config",)
    monkeypatch.setenv("SYNC_CONFIG", "variable.toml")
    assert load().kafka.topics == ("variable",)
    assert load("argument.toml").kafka.topics == ("argument",)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"[kafka\n", "not TOML"),
        (b"kafka = {topics = [}\n", "not TOML"),
        (b"[kafka]\n[kafka]\n", "not TOML"),
        (b"\xff\xfe[\x00", "cannot read"),
    ],
)
def test_what_is_no_toml_is_said_so(tmp_path: Path, content: bytes, word: str) -> None:
    """Broken TOML, a table given twice and bytes that are no UTF-8 are told with the file."""
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=word) as caught:
        load(file)
    assert str(file) in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that cannot be read is told with its name, not with a traceback."""
    with pytest.raises(ConfigError, match="cannot read") as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "key", "near"),
    [
        (KAFKA + "[windows]\nrows = 1\n", "windows", "window"),
        (KAFKA + "[error]\n", "error", "errors"),
        ("groups = 1\n" + KAFKA, "groups", None),
        (
            KAFKA + '[table]\nprimary_key_mode = "record_key"\nprimary_key = [{ nam = "a" }]\n',
            "table.primary_key.0.nam",
            "name",
        ),
        (
            KAFKA + '[table]\ncolumns = [{ name = "a", typ = "double" }]\n',
            "table.columns.0.typ",
            "type",
        ),
        (
            KAFKA + '[tables.orders]\ncolumns = [{ nme = "a", type = "double" }]\n',
            "tables.orders.columns.0.nme",
            "name",
        ),
    ],
)
def test_unknown_keys_are_refused_at_every_level(
    config: Config, toml: str, key: str, near: str | None
) -> None:
    """Unknown sections and keys of nested tables are refused, with the nearest known one."""
    told = config.refused(toml)
    assert f"{key}: unknown key" in told
    assert near is None or f"did you mean {near}?" in told
    assert str(config.file) in told


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("SYNC__KAFKAA__GROUP", ["no such section", "did you mean kafka?"]),
        ("SYNC__WINDOW_ROWS", ["no such section", "window"]),
        ("SYNC__", ["no such section"]),
        ("sync__windows__rows", ["no such section", "did you mean window?"]),
        ("SYNC__WINDOW__ROWS__MOST", ["window.rows"]),
        ("SYNC__WINDOW__ROW", ["window.row: unknown key", "did you mean rows?"]),
        ("SYNC__TABLES__ORDERS__TTL", ["tables.orders.ttl: unknown key"]),
    ],
)
def test_unknown_variables_are_refused(config: Config, variable: str, words: list[str]) -> None:
    """A variable with our prefix that sets nothing is refused by name, at every level."""
    told = config.refused(KAFKA, {variable: "1"})
    for word in (variable, *words):
        assert word in told


def test_other_variables_are_let_alone(config: Config) -> None:
    """Variables without the whole prefix mean nothing to us."""
    environ = {"SYNC_ROWS": "1", "SYNCHRONOUS__WINDOW": "1", "WINDOW__ROWS": "1", "KAFKA": "x"}
    assert config.load(KAFKA, environ) == config.load(KAFKA)


def test_all_mistakes_are_reported_together(config: Config) -> None:
    """One start shows all that is wrong, each with its key and its place."""
    told = config.refused(
        KAFKA + "topic = 1\n[window]\nrows = 0\nage = 'x'\n[tables.a]\nmax_versions = 'y'\n",
        {"SYNC__ERRORS__TOLERANCE": "few"},
    )
    for key in (
        "kafka.topic:",
        "window.rows:",
        "window.age:",
        "tables.a.max_versions:",
        "errors.tolerance:",
    ):
        assert told.count(key) == 1, key
    assert told.count("from:") == 5


def test_what_sections_say_together_comes_from_both_places(config: Config) -> None:
    """A mistake that is no single key's names the file and the environment."""
    told = config.refused(
        KAFKA + '[tables.orders]\nmode = "timeseries"\n[replay]\nonly_missing = true\n'
    )
    assert told.endswith(f"  from: {config.file} and the environment")


def test_a_mistake_in_table_is_reported_once(config: Config) -> None:
    """Tables inherit the mistakes of [table]; they are not told again for each."""
    tables = "".join(f"[tables.t{number}]\nauto_create = true\n" for number in range(5))
    told = config.refused(KAFKA + "[table]\nmax_versions = 0\n" + tables)
    assert told.count("max_versions") == 2, "the key, and the place it comes from"
    assert "tables." not in told
    told = config.refused(KAFKA + "[table]\ntime_to_live = 60\n" + tables)
    assert told.count("86400") == 1


def test_a_tables_own_mistake_is_reported_with_an_inherited_one(config: Config) -> None:
    """Hiding what is inherited hides nothing that is the table's own."""
    told = config.refused(
        KAFKA + "[table]\nmax_versions = 0\n[tables.a]\ntime_to_live = 'x'\n[tables.b]\n"
    )
    assert "table.max_versions:" in told
    assert "tables.a.time_to_live:" in told


@pytest.mark.parametrize("given", ["kafka = 5\n", "kafka = []\n", "", "[kafka]\n"])
def test_without_kafka_there_is_nothing_to_do(config: Config, given: str) -> None:
    """A missing, empty or misshapen [kafka] is refused by that name."""
    assert "kafka" in config.refused(given)


def test_settings_do_not_change() -> None:
    """No option of any section can be set after loading."""
    made = settings()
    for section, field in Settings.model_fields.items():
        with pytest.raises(ValidationError, match="frozen"):
            setattr(made, section, field.default)
        part = getattr(made, section)
        for name in getattr(type(part), "model_fields", ()):
            with pytest.raises(ValidationError, match="frozen"):
                setattr(part, name, getattr(part, name))


def test_tables_inherit_from_the_environment_too(config: Config) -> None:
    """What a variable sets in [table] holds for a table of the file that does not say otherwise."""
    loaded = config.load(
        KAFKA + "[table]\nmax_versions = 2\n[tables.orders]\nauto_create = true\n",
        {"SYNC__TABLE__MAX_VERSIONS": "7", "SYNC__TABLE__TIME_TO_LIVE": "86400"},
    )
    rules = loaded.rules_of("orders")
    assert (rules.max_versions, rules.time_to_live, rules.auto_create) == (7, 86400, True)


def test_whole_sections_come_as_json(config: Config) -> None:
    """A section can be one JSON variable; a single option beside it wins over it."""
    loaded = config.load(
        KAFKA, {"SYNC__WINDOW": '{"rows": 5, "age": 2}', "SYNC__WINDOW__ROWS": "6"}
    )
    assert (loaded.window.rows, loaded.window.age) == (6, 2.0)


def test_an_unparsable_variable_is_named_among_others(config: Config) -> None:
    """Of many variables, the one whose JSON is broken is told, and the others are not."""
    told = config.refused(
        KAFKA,
        {
            "SYNC__KAFKA__TOPICS": "[orders]",
            "SYNC__MAPPING__TOPICS": "{}",
            "SYNC__KAFKA__GROUP": "g",
        },
    )
    assert "SYNC__KAFKA__TOPICS" in told
    assert "JSON" in told
    assert "SYNC__KAFKA__GROUP" not in told
    assert "SYNC__MAPPING__TOPICS" not in told


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"SYNC__TABLES__Orders__AUTO_CREATE": "true"}, "tables.orders"),
        ({"SYNC__MAPPING__TOPICS__Shop": "Orders"}, "mapping.topics.shop"),
    ],
)
def test_upper_case_in_names_is_kept(config: Config, environ: dict[str, str], key: str) -> None:
    """Names in variables become lower case: what thus leads nowhere is told at the start."""
    loaded = config.load('[kafka]\ntopics = ["Shop"]\n[mapping]\ntable_name = "Orders"\n', environ)
    assert loaded.without_effect() == [key]


def test_rules_of_tables_that_no_topic_leads_to_are_reported() -> None:
    """A misspelt table or topic is not silently without effect; a pattern may lead anywhere."""
    sections: dict[str, Any] = {
        "tables": {"orders": {}, "ordres": {}, "clicks": {}},
        "mapping": {"topics": {"orders": "clicks", "order": "orders"}},
    }
    made = settings(kafka={"topics": ["orders", "clicks"]}, **sections)
    assert made.without_effect() == ["tables.orders", "tables.ordres", "mapping.topics.order"]
    assert settings(kafka={"topics_pattern": ".*"}, **sections).without_effect() == []
    assert settings().without_effect() == []
