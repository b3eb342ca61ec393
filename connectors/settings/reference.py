"""Writes docs/options.md: `python -m connectors.settings.reference > docs/options.md`."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connectors.settings import ENV_PREFIX, Settings
from connectors.settings.formats import RegistrySettings
from connectors.settings.timeseries import TimeseriesSettings
from connectors.settings.transforms import TRANSFORMS

_INTRODUCTION = f"""# Options

Generated from the settings models by `python -m connectors.settings.reference`; do not edit.

The option `kafka.group` is set in `config.toml` as `group` under `[kafka]`, and in the environment
as `{ENV_PREFIX}KAFKA__GROUP`, which wins. Lists and tables in the environment are JSON.
`SYNC_CONFIG` names another file than `./config.toml`.

Credentials: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, and
`ALIBABA_CLOUD_SECURITY_TOKEN` for temporary keys; or the three `*_file` options.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_INTRODUCTION]
    for name, field in Settings.model_fields.items():
        if name == "transforms":
            parts.append(_transforms())
            continue
        model = _model(field.annotation)
        if model is None:
            continue
        title = f"[{name}.NAME]" if name == "tables" else f"[{name}]"
        parts.append(f"## {title}\n\n{(model.__doc__ or '').strip()}\n")
        if name == "tables":
            parts.append("The options of [table], each of which overrides that of [table].\n")
            continue
        parts.append("| option | values | default | meaning |\n|---|---|---|---|")
        parts.append("\n".join(_row(name, key, option) for key, option in _options(model)) + "\n")
        parts += _former_names(model)
        if name == "table":
            parts.append(_subsection("table.timeseries", TimeseriesSettings))
        if name == "format":
            parts.append(_subsection("format.registry", RegistrySettings))
    return "\n".join(parts)


def _former_names(model: type[BaseModel]) -> list[str]:
    """A paragraph on the options of a section that had another name; [] when there are none."""
    former = getattr(model, "former_names", {})
    pairs = ", ".join(f"`{old}` (now `{new}`)" for old, new in former.items())
    return [f"Deprecated names, still read with a warning: {pairs}.\n"] if former else []


def _transforms() -> str:
    field = Settings.model_fields["transforms"]
    parts = [f"## [[transforms]]\n\n{field.description} docs/transforms.md has examples.\n"]
    for word, model in TRANSFORMS.items():
        parts.append(f'### type = "{word}"\n\n{(model.__doc__ or "").strip()}\n')
        parts.append("| option | values | default | meaning |\n|---|---|---|---|")
        rows = [_row("transforms", *option) for option in _options(model) if option[0] != "type"]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _subsection(section: str, model: type[BaseModel]) -> str:
    rows = [_row(section, *option) for option in _options(model)]
    title = f"### [{section}]\n\n{(model.__doc__ or '').strip()}"
    return "\n".join(
        [title, "", "| option | values | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _options(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    yield from model.model_fields.items()


def _row(section: str, name: str, field: FieldInfo) -> str:
    description = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{section}.{name}` | {_values(field)} | {_default(field)} | {description} |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        value = field.default_factory() if field.default_factory else None  # type: ignore[call-arg]
    if isinstance(value, BaseModel):
        return "see there"
    if value in (None, ()):
        return "none" if value is None or value == () else str(value)
    return f"`{json.dumps(value)}`"


def _values(field: FieldInfo) -> str:
    bounds = []
    for item in field.metadata:
        for sign, name in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt")):
            if hasattr(item, name):
                bounds.append(f"{sign} {getattr(item, name):,}")
    return ", ".join([_type(field.annotation), *bounds]).replace("|", "\\|")


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(item) for item in arguments if item is not type(None))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"table of {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "{" + ", ".join(annotation.model_fields) + "}"
    names = {str: "text", int: "integer", float: "number", bool: "true, false", Path: "path"}
    return {**names, SecretStr: "secret text"}.get(annotation, str(annotation))


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for item in typing.get_args(annotation):
        found = _model(item)
        if found is not None:
            return found
    return None


if __name__ == "__main__":
    sys.stdout.write(page())
