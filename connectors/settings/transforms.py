"""[[transforms]]: changes of a record between decoding and mapping, without code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from connectors.settings.section import Section
from connectors.settings.user_functions import is_function_name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return text


def _function(text: str) -> str:
    if not is_function_name(text):
        raise ValueError("names a Python function as package.module:function")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
Path = Annotated[str, Field(min_length=1)]
FunctionName = Annotated[str, AfterValidator(_function)]
Literals = str | int | float | bool
CastType = Literal["string", "integer", "double", "boolean"]
# What of a record `insert` can take; header:NAME is a header's last value as text.
Origin = Annotated[str, Field(pattern=r"^(topic|partition|offset|timestamp|header:.+)$")]


class Predicate(Section):
    """A condition on a record: exactly one of these keys, or `field` with one comparison."""

    tombstone: bool | None = Field(None, description="Whether the value is null.")
    header: str | None = Field(None, description="A header of this name is there.")
    topic: Pattern | None = Field(None, description="The whole topic name matches.")
    field: Path | None = Field(None, description="A field of the value, by its dotted path.")
    equals: Literals | None = Field(None, description="The field or header has this value.")
    one_of: tuple[Literals, ...] | None = Field(None, description="One of these values.")
    matches: Pattern | None = Field(None, description="The whole text matches.")
    above: int | float | None = Field(None, description="It is a number above this one.")
    below: int | float | None = Field(None, description="It is a number below this one.")
    is_null: bool | None = Field(None, description="The field is null or absent, or it is not.")
    all: tuple[Predicate, ...] | None = Field(None, description="All of these hold.")
    any: tuple[Predicate, ...] | None = Field(None, description="One of these holds.")
    none: tuple[Predicate, ...] | None = Field(None, description="None of these holds.")

    @model_validator(mode="after")
    def _check(self) -> Predicate:
        subjects = ("tombstone", "header", "topic", "field", "all", "any", "none")
        named = [name for name in subjects if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(
                f"a predicate has one condition: one of {', '.join(subjects)} (here: "
                f"{', '.join(named) or 'none of them'}); join several by all, any or none"
            )
        compared = ("equals", "one_of", "matches", "above", "below", "is_null")
        used = [name for name in compared if getattr(self, name) is not None]
        if named == ["field"] and len(used) != 1:
            raise ValueError(f"field needs one comparison of {', '.join(compared)}")
        if named == ["header"] and set(used) - {"equals", "one_of", "matches"}:
            raise ValueError("a header can be compared by equals, one_of or matches")
        if len(used) > 1 or (used and named[0] not in ("field", "header")):
            raise ValueError(f"{', '.join(used)} cannot stand here: compare one field or header")
        if "()" in {str(getattr(self, name)) for name in ("all", "any", "none", "one_of")}:
            raise ValueError("all, any, none and one_of need at least one entry")
        return self


class TransformSettings(Section):
    """What every transform has."""

    type: str

    topics: Pattern | None = Field(
        None, description="Only records of topics whose whole name matches; others pass unchanged."
    )
    when: Predicate | None = Field(
        None, description="Only records of which this holds; others pass unchanged."
    )


class FieldTransform(TransformSettings):
    """A transform of the fields of the value, or of the key."""

    of: Literal["value", "key"] = Field("value", description="The record's value or its key.")


class Include(FieldTransform):
    """Keep only these fields. Absent ones are ignored."""

    type: Literal["include"]
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths.")


class Exclude(FieldTransform):
    """Remove these fields. Absent ones are ignored."""

    type: Literal["exclude"]
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths.")


class Rename(FieldTransform):
    """Rename fields, which keep their position. Absent ones are ignored."""

    type: Literal["rename"]
    fields: dict[Path, Path] = Field(min_length=1, description="Dotted path = new name.")


class Cast(FieldTransform):
    """Convert fields to another type, exactly; else reject. Null and absent ones stay."""

    type: Literal["cast"]
    fields: dict[Path, CastType] = Field(min_length=1, description="Dotted path = type.")


class Insert(FieldTransform):
    """Add fields: the record's coordinates in Kafka, a header, a literal."""

    type: Literal["insert"]
    fields: dict[Path, Origin] = Field(
        default_factory=dict,
        description="New name = topic, partition, offset, timestamp (ms) or header:NAME.",
    )
    literals: dict[Path, Literals] = Field(
        default_factory=dict, description="New name = text, number or boolean."
    )
    replace: bool = Field(False, description="Whether a field of that name may be replaced.")

    @model_validator(mode="after")
    def _check(self) -> Insert:
        if not self.fields and not self.literals:
            raise ValueError("insert needs fields or literals")
        twice = sorted(self.fields.keys() & self.literals.keys())
        if twice:
            raise ValueError(f"fields and literals both name {', '.join(twice)}")
        return self


class Flatten(FieldTransform):
    """Fields of nested objects become fields of the record; lists stay."""

    type: Literal["flatten"]
    separator: str = Field("_", max_length=16, description="Stands between the names of a path.")


class Extract(FieldTransform):
    """The value (or key) becomes one field of it."""

    type: Literal["extract"]
    field: Path = Field(description="Dotted path.")
    missing: Literal["reject", "null"] = Field(
        "reject", description="What a record without this field becomes."
    )


class Debezium(TransformSettings):
    """Change events of Debezium (MySQL, PostgreSQL, MongoDB) become rows and deletes of rows."""

    type: Literal["debezium"]
    tombstones: Literal["drop", "pass"] = Field(
        "drop", description="What becomes of the tombstone that follows a delete."
    )
    truncate: Literal["reject", "skip"] = Field(
        "reject", description="What becomes of the event that the source table was emptied."
    )
    partial: Literal["reject", "pass"] = Field(
        "reject",
        description="MongoDB updates without the document: pass them on with the fields that they "
        "have, which needs insert_mode update.",
    )
    unavailable: str = Field(
        "__debezium_unavailable_value",
        min_length=1,
        description="Debezium's placeholder of a large value that did not change: such a column "
        "stays as it is.",
    )
    key_fields: tuple[str, ...] = Field(
        (),
        description="Fields of the row that are its key: when an update changes one, the old row "
        "is deleted. Needed only where the table's primary_key_mode is not record_value.",
    )
    insert: dict[Path, Path] = Field(
        default_factory=dict,
        description='New field = dotted path in the event, such as lsn = "source.lsn".',
    )


class Filter(TransformSettings):
    """Keep or drop records."""

    type: Literal["filter"]
    keep: Predicate | None = Field(None, description="Only records of which this holds go on.")
    drop: Predicate | None = Field(None, description="Records of which this holds go no further.")

    @model_validator(mode="after")
    def _check(self) -> Filter:
        if (self.keep is None) == (self.drop is None):
            raise ValueError("filter needs either keep or drop")
        return self


class Function(TransformSettings):
    """A function of yours: it takes a Record and returns a Record, None or a list of Records."""

    type: Literal["function"]
    function: FunctionName = Field(description="package.module:function, found on PYTHONPATH.")


# By the word that stands as `type`. This is the one list of transforms: what a [[transforms]] entry
# can be follows it, and connectors.transforms.pipeline has the step of each.
TRANSFORMS: dict[str, type[TransformSettings]] = {
    model.__name__.lower(): model
    for model in (
        Include,
        Exclude,
        Rename,
        Cast,
        Insert,
        Flatten,
        Extract,
        Debezium,
        Filter,
        Function,
    )
}


def _word(value: Any) -> str | None:
    found = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return found if isinstance(found, str) else None


if TYPE_CHECKING:
    Transform = TransformSettings
else:
    Transform = Annotated[
        Union[tuple(Annotated[model, Tag(word)] for word, model in TRANSFORMS.items())],  # noqa: UP007
        # Not Field(discriminator=...): it takes no model whose fields have validators before them.
        Discriminator(_word),
    ]


def needs_key(transforms: Sequence[TransformSettings]) -> bool:
    """Whether one of them looks at the record's decoded key."""
    return any(
        isinstance(item, Debezium) or (isinstance(item, FieldTransform) and item.of == "key")
        for item in transforms
    )
