"""Options that were renamed: the former name is read with a warning, and never beside the new."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.settings import Settings
from connectors.settings.errors import ErrorSettings
from connectors.settings.formats import FormatSettings
from connectors.settings.reference import page
from connectors.settings.replay import ReplaySettings
from tests.unit.settings.conftest import KAFKA, Config
from tests.unit.settings.options import OPTIONS, value_of, variable

SECTIONS = (ErrorSettings, FormatSettings, ReplaySettings)
RENAMED = {
    f"{model.section}.{old}": f"{model.section}.{new}"
    for model in SECTIONS
    for old, new in model.former_names.items()
}
each_renamed = pytest.mark.parametrize(("old", "new"), RENAMED.items())


def test_these_options_were_renamed() -> None:
    """No former name is forgotten: configurations have them."""
    assert RENAMED == {
        "errors.most_rejected": "errors.max_rejected",
        "errors.most_rejected_share": "errors.max_rejected_share",
        "errors.most_rejected_of": "errors.max_rejected_window",
        "format.most_bytes": "format.max_bytes",
        "replay.most_replays": "replay.max_replays",
    }
    others = [
        model.annotation
        for model in Settings.model_fields.values()
        if getattr(model.annotation, "former_names", None)
    ]
    assert set(others) == set(SECTIONS)


def _file(path: str, toml: str) -> str:
    section, name = path.split(".")
    return f"{KAFKA}[{section}]\n{name} = {toml}\n"


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@each_renamed
def test_both_names_are_read_from_the_file(
    old: str, new: str, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """With the same value; the former one with one warning that has the new name."""
    toml = OPTIONS[new].toml
    expected = value_of(config.load(_file(new, toml)), new)
    assert _warnings(caplog) == []
    assert value_of(config.load(_file(old, toml)), new) == expected
    assert _warnings(caplog) == [f"{old} is deprecated: rename it to {new}"]


@each_renamed
def test_both_names_are_read_from_the_environment(
    old: str, new: str, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """SYNC__ERRORS__MOST_REJECTED, in any case, wins over the file as the new one does."""
    option = OPTIONS[new]
    loaded = config.load(_file(old, option.toml), {variable(old).lower(): option.variable})
    assert value_of(loaded, new) == option.value
    assert _warnings(caplog) == [f"{old} is deprecated: rename it to {new}"]


@each_renamed
def test_both_names_are_read_by_a_constructor(
    old: str, new: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the section and of all settings; each construction warns once."""
    option = OPTIONS[new]
    section, name = old.split(".")
    (model,) = [model for model in SECTIONS if model.section == section]
    given: dict[str, Any] = {name: option.value}
    assert getattr(model(**given), new.split(".")[1]) == option.value
    every: Mapping[str, Any] = {"kafka": {"topics": ["orders"]}, section: given}
    assert value_of(Settings(**every), new) == option.value
    assert _warnings(caplog) == [f"{old} is deprecated: rename it to {new}"] * 2


@each_renamed
def test_both_names_at_once_are_an_error(
    old: str, new: str, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """In one place or two, also with the same value: which one was meant cannot be known."""
    toml, value = OPTIONS[new].toml, OPTIONS[new].variable
    section, former = old.split(".")
    name = new.split(".")[1]
    text = f"{section}: {name} and {former} are one option, and both are set"
    assert text in config.refused(_file(new, f"{toml}\n{former} = {toml}"))
    assert text in config.refused(_file(old, toml), {variable(new): value})
    assert text in config.refused(KAFKA, {variable(old): value})
    given: dict[str, Any] = {former: 1, name: 1}
    (model,) = [model for model in SECTIONS if model.section == section]
    with pytest.raises(ValidationError, match="are one option"):
        model(**given)
    assert _warnings(caplog) == []


@each_renamed
def test_a_wrong_value_is_found_where_it_stands(old: str, new: str, config: Config) -> None:
    """The text has the new name, and the place that has the former one."""
    section, former = old.split(".")
    wrong = config.refused(_file(old, "[[1]]"))
    assert wrong.startswith(f"{new}: ")
    assert f"[{section}] {former}" in wrong
    wrong = config.refused(KAFKA, {variable(old): "many"})
    assert wrong.startswith(f"{new}: ")
    assert f"environment variable {variable(old)}" in wrong


@each_renamed
def test_only_the_new_name_is_offered(old: str, new: str, config: Config) -> None:
    """A misspelt former name is answered with a new one; the reference lists the new one."""
    assert "unknown key; did you mean max_" in config.refused(_file(f"{old}x", "1"))
    assert f"| `{new}` |" in page()
    assert f"| `{old}` |" not in page()
    assert f"`{old.split('.')[1]}` (now `{new.split('.')[1]}`)" in page()
