"""What the sections of config.toml have in common."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

log = logging.getLogger("sync.settings")


class Section(BaseModel):
    """A section of config.toml: frozen; an unknown key is an error.

    An option that was renamed is still read under its former name, with a warning. A section that
    has such options names itself and lists them as former name -> name.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        # A wrong value may be a secret under the wrong key.
        hide_input_in_errors=True,
    )

    section: ClassVar[str] = ""
    former_names: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        found = {old: new for old, new in cls.former_names.items() if old in values}
        for old, new in found.items():
            if new in values:
                raise ValueError(
                    f"{new} and {old} are one option, and both are set: remove {old}, its former "
                    "name"
                )
            log.warning(
                "%s.%s is deprecated: rename it to %s.%s", cls.section, old, cls.section, new
            )
        return {found.get(name, name): value for name, value in values.items()}

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) and info.field_name is not None:
            annotation = cls.model_fields[info.field_name].annotation
            if annotation in (int, float):
                raise ValueError("should be a number (got a boolean)")
        return value
