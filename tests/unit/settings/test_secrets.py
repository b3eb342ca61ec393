"""Secrets come from the environment or from files, and nothing shows them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.errors import StopRun
from connectors.settings.kafka import SECRET_PROPERTIES, KafkaSettings
from connectors.settings.writing import TablestoreSettings
from tests.unit.factories import CANARY, settings
from tests.unit.settings.conftest import KAFKA, Config

pytestmark = pytest.mark.P7


@pytest.mark.parametrize("name", ["access_key_id", "access_key_secret", "security_token"])
def test_credentials_in_the_file_are_refused_with_the_remedy(config: Config, name: str) -> None:
    """An access key in config.toml is refused, unseen, naming the variable and the file option."""
    message = config.refused(f'{KAFKA}[tablestore]\n{name} = "{CANARY}"\n')
    assert CANARY not in message
    assert f"ALIBABA_CLOUD_{name.upper()}" in message
    assert f"tablestore.{name}_file" in message
    assert f"tablestore.{name}:" in message


@pytest.mark.parametrize("name", ["access_key_id", "access_key_secret", "security_token"])
def test_credentials_under_our_prefix_are_refused_too(config: Config, name: str) -> None:
    """There is one variable for each key, and the text names it."""
    variable = f"SYNC__TABLESTORE__{name.upper()}"
    message = config.refused(KAFKA, {variable: CANARY})
    assert CANARY not in message
    assert variable in message
    assert f"ALIBABA_CLOUD_{name.upper()}" in message


@pytest.mark.parametrize("name", sorted(SECRET_PROPERTIES))
def test_secret_properties_in_the_file_are_refused(config: Config, name: str) -> None:
    """A librdkafka secret under [kafka.properties] is refused, unseen, with the remedy."""
    message = config.refused(f'{KAFKA}[kafka.properties]\n"{name}" = "{CANARY}"\n')
    assert CANARY not in message
    assert name in message
    assert "secret_properties" in message
    assert "secret_property_files" in message


def test_secret_properties_stand_in_no_file(config: Config) -> None:
    """[kafka.secret_properties] in config.toml is refused: that table is for the environment."""
    message = config.refused(f'{KAFKA}[kafka.secret_properties]\n"sasl.password" = "{CANARY}"\n')
    assert CANARY not in message
    assert "SYNC__KAFKA__SECRET_PROPERTIES" in message
    assert str(config.file) in message


@pytest.mark.parametrize(
    "value",
    [
        f'{{"sasl.password": ["{CANARY}"]}}',
        f'["{CANARY}"]',
        f"sasl.password={CANARY}",
        f'{{"sasl.password": "{CANARY}"',
        f'"{CANARY}"',
    ],
)
def test_a_misshapen_secret_is_not_shown(config: Config, value: str) -> None:
    """A secret given in the wrong form is refused by the variable's name alone."""
    message = config.refused(KAFKA, {"SYNC__KAFKA__SECRET_PROPERTIES": value})
    assert CANARY not in message
    assert "SYNC__KAFKA__SECRET_PROPERTIES" in message


def test_nothing_shows_the_secrets() -> None:
    """repr, str, format, model_dump in JSON: stars where the secrets are."""
    made = settings(kafka={"secret_properties": {"sasl.password": CANARY, "ssl.key.pem": CANARY}})
    for text in (
        repr(made),
        str(made),
        f"{made.kafka!r} {made.kafka}",
        str(made.model_dump()),
        made.model_dump_json(),
        str(dict(made.kafka)),
    ):
        assert CANARY not in text
        assert "sasl.password" in text
    properties = made.kafka.client_properties()
    assert properties["sasl.password"] == properties["ssl.key.pem"] == CANARY


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (KafkaSettings, {"topics": ["a"], "properties": {"sasl.password": CANARY}}),
        (KafkaSettings, {"topics": ["a"], "secret_properties": {"sasl.password": [CANARY]}}),
        (KafkaSettings, {"topics": ["a"], "password": CANARY}),
        (KafkaSettings, {"topics": ["a"], "group": [CANARY]}),
        (TablestoreSettings, {"access_key_secret": CANARY}),
        (TablestoreSettings, {"endpoint": f"https://id:{CANARY}@host"}),
        (TablestoreSettings, {"timeout": CANARY}),
    ],
)
def test_the_validation_error_of_a_section_hides_its_input(
    model: type[KafkaSettings | TablestoreSettings], values: dict[str, object]
) -> None:
    """Programs that make a section themselves see no value in the error either."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize(
    "sections",
    [
        {"kafka": {"properties": {"sasl.password": CANARY}}},
        {"kafka": {"password": CANARY}},
        {"kafka": {"secret_properties": {"sasl.password": [CANARY]}}},
        {"tablestore": {"access_key_secret": CANARY}},
        {"tablestore": {"endpoint": f"https://id:{CANARY}@host"}},
        {"secrets": CANARY},
    ],
)
def test_the_validation_error_of_all_settings_hides_its_input(
    sections: dict[str, dict[str, object]],
) -> None:
    """Settings made by a program rather than from a file show no value either."""
    with pytest.raises(ValidationError) as caught:
        settings(**sections)
    assert CANARY not in str(caught.value)


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    """secret_property_files gives the content, less the line's end, each time it is asked for."""
    file = tmp_path / "password"
    file.write_text(f"{CANARY}\n")
    made = settings(kafka={"secret_property_files": {"sasl.password": str(file)}})
    assert made.kafka.client_properties()["sasl.password"] == CANARY
    assert CANARY not in repr(made)
    file.write_text("next\n")
    assert made.kafka.client_properties()["sasl.password"] == "next"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be read stops the run with the option and the path."""
    made = settings(kafka={"secret_property_files": {"sasl.password": str(tmp_path / "nope")}})
    with pytest.raises(StopRun, match=r"secret_property_files.*nope"):
        made.kafka.client_properties()
