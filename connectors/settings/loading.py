"""Reads config.toml and the environment into `Settings`, and writes the texts of what is wrong."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from connectors.errors import ConfigError
from connectors.settings import ENV_PREFIX, Settings
from connectors.settings.toml_hints import dotted_names, escaped_paths, syntax_error
from connectors.settings.transforms import TRANSFORMS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_VARIABLE = "SYNC_CONFIG"
CREDENTIALS = {
    "access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "security_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
}


def load(path: str | Path | None = None) -> Settings:
    """The settings of a file (default: $SYNC_CONFIG or ./config.toml) and the environment.

    Without a file the environment must have everything. Raises ConfigError.
    """
    file, is_named = file_of(path)
    values = read_file(file, must_exist=is_named)
    _reject_secrets(values, file)
    unknown = list(_unknown_variables(os.environ))
    if unknown:
        raise ConfigError("\n".join(unknown))
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, values, file)) from None
    except SettingsError as error:
        raise ConfigError("\n".join(_no_json(os.environ)) or str(error)) from None


def file_of(path: str | Path | None) -> tuple[Path, bool]:
    """The file of the settings, and whether the argument or the environment names it."""
    named = path or os.environ.get(CONFIG_VARIABLE)
    return Path(named or "config.toml"), named is not None


def check_values(values: dict[str, Any]) -> Settings:
    """Validate values that are not in a file yet, whatever the environment holds.

    Raises ConfigError.
    """
    file = Path("config.toml")
    _reject_secrets(values, file)
    try:
        return _WithoutEnvironment(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, values, file)) from None


def from_values(values: dict[str, Any]) -> Settings:
    """The settings of values that are not in a file yet, and of the environment, which wins.

    Raises ConfigError.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, values, Path("the options given"))) from None


class _WithoutEnvironment(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def read_file(file: Path, must_exist: bool) -> dict[str, Any]:
    """The values of a file as it has them; {} when it may be missing and is. Raises ConfigError."""
    try:
        text = file.read_text("utf-8-sig")  # a byte order mark is skipped
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(
                f"no such file: {file} (named by the argument or {CONFIG_VARIABLE})\n"
                "  remedy: correct the path; config.toml of the project is one to start from"
            ) from None
        return {}
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"cannot read {file}: it is not UTF-8 ({error.reason} at byte {error.start})\n"
            "  remedy: save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error}") from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {syntax_error(error, text)}") from None
    wrong = [
        *dotted_names(values, _tables_of_values(), text, file),
        *escaped_paths(values, text, file),
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return values


def _tables_of_values() -> dict[tuple[str, str], bool]:
    """(section, option) of options that are tables of values; True in a list of sections."""
    models = [(name, _inner_model(field.annotation)) for name, field in _sections()]
    found = {
        (name, option): False for name, model in models for option in _tables_of(_fields(model))
    }
    for transform in TRANSFORMS.values():
        found |= {("transforms", option): True for option in _tables_of(_fields(transform))}
    return found


def _sections() -> list[tuple[str, Any]]:
    return [item for item in Settings.model_fields.items() if item[0] not in ("tables",)]


def _tables_of(fields: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, annotation in fields.items()
        if get_origin(annotation) is dict and _inner_model(get_args(annotation)[1]) is None
    ]


def _reject_secrets(values: dict[str, Any], file: Path) -> None:
    for section in ("kafka", "dead_letters"):
        given = values.get(section)
        if isinstance(given, dict) and "secret_properties" in given:
            raise ConfigError(
                f"{section}.secret_properties: secrets do not belong in this file: set "
                f"{ENV_PREFIX}{section.upper()}__SECRET_PROPERTIES="
                '\'{"sasl.password": "..."}\' in the environment, or name files in '
                f"{section}.secret_property_files\n"
                f"  from: {file}, [{section}] secret_properties"
            )

    registry = values.get("format", {})
    registry = registry.get("registry") if isinstance(registry, dict) else None
    for name in ("password", "token"):
        if isinstance(registry, dict) and name in registry:
            raise ConfigError(
                f"format.registry.{name}: secrets do not belong in this file: set "
                f"{ENV_PREFIX}FORMAT__REGISTRY__{name.upper()} in the environment, or name a file "
                f"in format.registry.{name}_file\n  from: {file}, [format.registry] {name}"
            )


def _fields(model: Any) -> dict[str, Any]:
    """The types of a model's fields, by name; {} for anything else."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return {}


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(sorted(known))}"


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A text for each variable with the prefix whose first level is not a section.

    Deeper levels reach the models, which reject unknown ones.
    """
    sections = Settings.model_fields
    for variable in sorted(environ):
        if variable.upper().startswith(ENV_PREFIX):
            section = variable[len(ENV_PREFIX) :].split("__")[0].lower()
            if section not in sections:
                near = _nearest(section, sections)
                yield f"environment variable {variable}: no such section{near}"


def _no_json(environ: Mapping[str, str]) -> Iterator[str]:
    """A text for each variable that should hold JSON and does not."""
    for variable, value in sorted(environ.items()):
        if not variable.upper().startswith(ENV_PREFIX):
            continue
        model: Any = Settings
        key = variable[len(ENV_PREFIX) :].lower().split("__")
        for step in key[:-1]:
            model = _inner_model(_fields(model).get(step))
        annotation = _fields(model).get(key[-1])
        if annotation in (str, int, float, bool, None):
            continue
        try:
            json.loads(value)
        except ValueError:
            yield (
                f"{'.'.join(key)}: lists and tables in the environment are JSON, such as "
                f"{ENV_PREFIX}KAFKA__TOPICS='[\"orders\"]'\n  from: environment variable {variable}"
            )


def _explain(error: ValidationError, values: dict[str, Any], file: Path) -> str:
    seen: dict[tuple[str, ...], str] = {}
    items = [(item, *_key(item["loc"])) for item in error.errors(include_url=False)]
    for item, key, known in items:
        if item["type"] == "literal_error" and any(
            other[: len(key)] == key and len(other) > len(key) for _, other, _ in items
        ):
            continue  # the other member of the union reports the error inside the list
        where = origin_of(_given_as(key, values), values, file)
        text = f"{'.'.join(key) or 'config'}: {_problem(item, key, known)}\n  from: {where}"
        # A union reports an error for each member: the first is closest to what was meant. What is
        # wrong in [table] shows again in every [tables.NAME] that inherits it.
        inherited = key[:1] == ("tables",) and ("table", *key[2:]) in seen
        if not inherited:
            seen.setdefault(key, text)
    return "\n".join(seen.values())


def _key(loc: tuple[int | str, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The path of a key without pydantic's marks of unions, and the fields known at its end."""
    annotation: Any = Settings
    key: list[str] = []
    known: dict[str, Any] = {}
    for step in loc:
        fields = _fields(_inner_model(annotation))
        tagged = _tagged(annotation)
        if step in tagged:
            annotation = tagged[step]
        elif isinstance(step, int):
            key.append(str(step))
        elif "[" in step or "(" in step:
            continue  # a mark such as tuple[Column, ...] or literal['all']
        elif get_origin(annotation) is dict:
            key.append(step)
            annotation = get_args(annotation)[1]
            known = _fields(_inner_model(annotation))
        elif fields:
            key.append(step)
            known = fields
            annotation = fields.get(step)
        # Else it is a mark for the member of a union, such as str or int.
    return tuple(key), known


def _inner_model(annotation: Any) -> Any:
    """The model in a field's type: itself, or inside tuple[...] and unions; None for a dict."""
    if _fields(annotation):
        return annotation
    if get_origin(annotation) is dict:
        return None
    for argument in get_args(annotation):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def _tagged(annotation: Any) -> dict[int | str, Any]:
    """The models of a union of tagged models, by their tag."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        words = [item.tag for item in arguments[1:] if isinstance(item, Tag)]
        if words:
            return {words[0]: arguments[0]}
    return {word: model for item in arguments for word, model in _tagged(item).items()}


def _problem(item: Any, key: tuple[str, ...], known: dict[str, Any]) -> str:
    error_type = item["type"]
    if error_type == "extra_forbidden":
        name = key[-1]
        if name in CREDENTIALS:
            return (
                f"credentials are not read from this file: set {CREDENTIALS[name]} "
                f"in the environment, or tablestore.{name}_file"
            )
        return f"unknown key{_nearest(name, known)}"
    if error_type in ("union_tag_invalid", "union_tag_not_found"):
        return f"type is one of {', '.join(TRANSFORMS)}"
    if error_type == "missing":
        return "is missing" if len(key) > 1 else f"is missing: add the section [{key[0]}]"
    if error_type == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    # The value may be a secret under the wrong key: only its type is shown.
    name = type(item["input"]).__name__
    got = {"dict": "table", "str": "string"}.get(name, name)
    if error_type == "literal_error" and key[0] == "format":
        allowed = item["ctx"]["expected"]
        return f"allowed: {allowed}, or a function as package.module:function (got another {got})"
    if error_type == "literal_error" and key[-1] == "columns":
        return f"allowed: 'all' or a list of {{name, type}} (got another {got})"
    if error_type == "literal_error":
        return f"allowed: {item['ctx']['expected']} (got another {got})"
    message = str(item["msg"]).replace("Input should", "should")
    return f"{message} (got {'an' if got[0] in 'aeiou' else 'a'} {got})"


def _given_as(key: tuple[str, ...], values: dict[str, Any]) -> tuple[str, ...]:
    """The key as it is spelt: with the option's former name, if that is set."""
    model = _inner_model(Settings.model_fields[key[0]].annotation) if len(key) == 2 else None
    for old, new in getattr(model, "former_names", {}).items():
        section = values.get(key[0])
        in_file = isinstance(section, dict) and old in section
        variable = f"{ENV_PREFIX}{key[0]}__{old}".upper()
        if new == key[1] and (in_file or variable in map(str.upper, os.environ)):
            return key[0], old
    return key


def origin_of(key: tuple[str, ...], values: dict[str, Any], file: Path) -> str:
    """Where the value of a key comes from: a variable, a section of the file, the default."""
    if not key:  # of several sections together
        return f"{file} and the environment"
    names = {name.upper(): name for name in os.environ}
    for end in range(len(key), 0, -1):
        variable = ENV_PREFIX + "__".join(key[:end]).upper()
        if variable in names:
            return f"environment variable {names[variable]}"
        below = [name for name in sorted(names) if name.startswith(variable + "__")]
        if end == len(key) and below:
            return "environment variable " + ", ".join(names[name] for name in below)
    node: Any = values
    for step in key:
        if isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        elif isinstance(node, dict) and step in node:
            node = node[step]
        else:
            return "the default: neither the environment nor " + str(file) + " sets it"
    section, name = (key, "") if isinstance(node, dict) or len(key) == 1 else (key[:-1], key[-1])
    return f"{file}, [{'.'.join(section)}] {name}".rstrip()
