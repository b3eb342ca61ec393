"""Options for how fields become columns: names, nested values, and types beyond JSON's."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.settings.section import Section

# Characters that a column name may hold.
_LEGAL = re.compile(r"[A-Za-z0-9_]*")
# An option, and the value of another option that it needs.
_ONLY_WITH = (("decimal_scale", "decimals", "integer"), ("separator", "nested", "flatten"))


class ColumnRules(Section):
    """The options of a table for how a field's name and value become a column's."""

    key_fields: Literal["none", "fill", "override"] = Field(
        "none",
        description="Whether fields of the record's key become columns too, or a key that is not "
        "an object the column `key`. fill: where both have a field of that name, the value's is "
        "taken. override: the key's is taken, as by the Java connector. Fields that are key "
        "columns never become columns.",
    )
    binary_text: Literal["base64", "hex", "utf8"] = Field(
        "base64",
        description="How text becomes a binary column or key. utf8: the text's own bytes; it is "
        "the default with conversions connector.",
    )
    decimals: Literal["string", "double", "integer"] = Field(
        "string",
        description="What a Decimal becomes in a column whose type is not listed. string: its "
        "digits. double: only if the double shows the same number. integer: the number times "
        "10^decimal_scale, only if that is whole. Listed integer columns are scaled likewise.",
    )
    decimal_scale: int = Field(
        0, ge=0, le=18, description="Digits after the point that decimals integer keeps."
    )
    times: Literal["epoch", "epoch_us", "epoch_ns", "iso8601"] = Field(
        "epoch",
        description="What dates and times become in columns whose type is not listed. epoch: "
        "integers, ms since 1970 of a timestamp, days since 1970 of a date, ms of a time of day or "
        "a duration. epoch_us, epoch_ns: the same, with microseconds or nanoseconds instead of ms. "
        "A time finer than its unit is rejected. iso8601: text, in UTC, to the nanosecond. Listed "
        "string columns get text, integer ones integers.",
    )
    nested: Literal["json", "flatten"] = Field(
        "json",
        description="json: a nested object becomes JSON text. flatten: its fields become columns "
        "of their own, named parent, separator, field. Arrays become JSON text either way.",
    )
    separator: str = Field(
        "_",
        min_length=1,
        max_length=16,
        description="Stands between the names where nested is flatten.",
    )
    column_names: Literal["reject", "rewrite"] = Field(
        "reject",
        description="What happens to a field whose name no column can have. reject: the record is "
        "rejected. rewrite: each character that is not allowed becomes _, and a leading digit gets "
        "one in front. Two fields of one name are a rejection, as is a name over 255 characters.",
    )
    conversions: Literal["exact", "connector"] = Field(
        "exact",
        description="exact: a value keeps its type, or becomes that of the listed column without "
        "any loss. connector: the conversions of the Java connector where they lose nothing, see "
        "docs/mapping.md; for configurations that were imported from it.",
    )

    @model_validator(mode="after")
    def _check_columns(self) -> ColumnRules:
        for name, other, value in _ONLY_WITH:
            if name in self.model_fields_set and getattr(self, other) != value:
                raise ValueError(
                    f'{name} has no meaning without {other} = "{value}": set that, or remove it'
                )
        if self.column_names == "reject" and not _LEGAL.fullmatch(self.separator):
            raise ValueError(
                "separator has characters that no column name can have: take A-Z a-z 0-9 _, or set "
                'column_names = "rewrite"'
            )
        return self

    @property
    def binary_by(self) -> Literal["base64", "hex", "utf8"]:
        """The value of `binary_text`, or else what `conversions` implies."""
        if self.conversions == "connector" and "binary_text" not in self.model_fields_set:
            return "utf8"
        return self.binary_text


def without_meaning(override: dict[str, Any]) -> list[str]:
    """The options of [table] that a table does not inherit, because it sets what they depend on."""
    return [
        name
        for name, other, value in _ONLY_WITH
        if other in override and override[other] != value and name not in override
    ]
