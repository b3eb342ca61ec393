"""[[transforms]]: changes of a record between decoding and mapping, without code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from connectors.settings.explode_keys import element_problem, index_problem
from connectors.settings.predicates import Literals, Path, Pattern, Predicate
from connectors.settings.section import Section
from connectors.settings.tables import TableSettings
from connectors.settings.user_functions import is_function_name


def _function(text: str) -> str:
    if not is_function_name(text):
        raise ValueError("names a Python function as package.module:function")
    return text


def _time_format(text: str) -> str:
    codes = re.findall(r"%3f|%.|%$", text, re.DOTALL)
    wrong = [code for code in codes if code not in _TIME_CODES]
    if wrong or not codes:
        raise ValueError(
            f"has a code that is not one of {', '.join(_TIME_CODES)}, or no code at all"
        )
    return text


_TIME_CODES = [f"%{code}" for code in ("Y", "y", "m", "d", "H", "I", "p", "M", "S", "f", "3f",
               "z", "j", "b", "B", "a", "A", "%")]  # fmt: skip
TimeFormat = Annotated[str, AfterValidator(_time_format)]
FunctionName = Annotated[str, AfterValidator(_function)]
CastType = Literal["string", "integer", "double", "boolean"]
# The values that `insert` can add; header:NAME is a header's last value as text.
Origin = Annotated[str, Field(pattern=r"^(topic|partition|offset|timestamp|header:.+)$")]


class TransformSettings(Section):
    """The options of every transform."""

    type: str
    implementation: ClassVar[str]
    """The function that does its work, as module:name: what makes a Step of (these settings, all
    settings, the option's name), or, for a FieldTransform, a Change of these settings."""

    @property
    def reports_deletes(self) -> bool:
        """Whether it may turn a record into a delete."""
        return False

    topics: Pattern | None = Field(
        None, description="Only records of topics whose whole name matches; others pass unchanged."
    )
    when: Predicate | None = Field(
        None, description="Only records for which this holds; others pass unchanged."
    )


class FieldTransform(TransformSettings):
    """A transform of the fields of the value, or of the key."""

    of: Literal["value", "key"] = Field("value", description="The record's value or its key.")


class Include(FieldTransform):
    """Keep only these fields. Absent ones are ignored."""

    type: Literal["include"]
    implementation = "connectors.transforms.fields:include"
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths.")


class Exclude(FieldTransform):
    """Remove these fields. Absent ones are ignored."""

    type: Literal["exclude"]
    implementation = "connectors.transforms.fields:exclude"
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths.")


class Rename(FieldTransform):
    """Rename fields, which keep their position. Absent ones are ignored."""

    type: Literal["rename"]
    implementation = "connectors.transforms.fields:rename"
    fields: dict[Path, Path] = Field(min_length=1, description="Dotted path = new name.")


class Cast(FieldTransform):
    """Convert fields to another type, exactly; else reject. Null and absent ones stay."""

    type: Literal["cast"]
    implementation = "connectors.transforms.fields:cast"
    fields: dict[Path, CastType] = Field(min_length=1, description="Dotted path = type.")


class Insert(FieldTransform):
    """Add fields: the record's coordinates in Kafka, a header, a literal."""

    type: Literal["insert"]
    implementation = "connectors.transforms.fields:insert"
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
    implementation = "connectors.transforms.fields:flatten"
    separator: str = Field("_", max_length=16, description="The text between the names of a path.")


class Extract(FieldTransform):
    """The value (or key) becomes one field of it."""

    type: Literal["extract"]
    implementation = "connectors.transforms.fields:extract"
    field: Path = Field(description="Dotted path.")
    missing: Literal["reject", "null"] = Field(
        "reject", description="What a record without this field becomes."
    )


class Debezium(TransformSettings):
    """Change events of Debezium become rows and deletes of rows."""

    type: Literal["debezium"]
    implementation = "connectors.transforms.debezium:step"
    tombstones: Literal["drop", "pass"] = Field(
        "drop", description="What becomes of the tombstone that follows a delete."
    )
    truncate: Literal["reject", "skip"] = Field(
        "reject", description="What becomes of the event that the source table was emptied."
    )
    partial: Literal["reject", "pass"] = Field(
        "reject",
        description="MongoDB updates without the document: pass them on with the fields that they "
        "have, which needs insert_mode update. Changes of a part of a field stay rejections, and "
        "so do fields removed or set to null unless delete_mode deletes columns.",
    )
    before_images: Literal["partial", "whole"] = Field(
        "partial",
        description="Whether images before a change have all columns (PostgreSQL: REPLICA IDENTITY "
        "FULL), or at least the key columns of the table always. Of partial ones only the key is "
        "taken, where the record's own key confirms it.",
    )
    deletes: Literal["delete", "drop", "mark"] = Field(
        "delete",
        description="What becomes of a delete: it deletes the row, is dropped, or is written as a "
        "row with deleted_field (which all rows then have).",
    )
    deleted_field: str = Field(
        "__deleted",
        min_length=1,
        description='The field of deletes = "mark": the text true or false.',
    )
    other_events: Literal["skip", "reject"] = Field(
        "skip",
        description="What becomes of Debezium's heartbeats, transaction and schema change events; "
        "skipped ones count as filtered.",
    )
    unavailable: str = Field(
        "__debezium_unavailable_value",
        min_length=1,
        description="Debezium's placeholder of a large value that did not change: such a column "
        "stays as it is (a put, which would lose it, is rejected).",
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

    @property
    def reports_deletes(self) -> bool:
        """Whether deletes of the source, and changes of a key, delete rows."""
        return self.deletes == "delete"


class Timestamp(FieldTransform):
    """Turn fields into a time, a text or a number, exactly or not at all. Null ones stay."""

    type: Literal["timestamp"]
    implementation = "connectors.transforms.times:timestamp"
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths; absent: ignored.")
    to: Literal["timestamp", "date", "time", "text", "number"] = Field(
        "timestamp",
        description="timestamp, date or time (of the day): times of [table] says what columns they "
        "become. text: as format says. number: in unit, since 1970 or midnight.",
    )
    unit: Literal["s", "ms", "us", "ns"] = Field("ms", description="What numbers count.")
    format: TimeFormat | None = Field(
        None,
        min_length=1,
        description="Of texts, in codes of Python's strptime such as %Y-%m-%d %H:%M:%S, and %3f "
        "for milliseconds; UTC without %z. Unless set: ISO 8601.",
    )


class Json(FieldTransform):
    """Fields that hold JSON text become what it says. Null and absent ones stay."""

    type: Literal["json"]
    implementation = "connectors.transforms.json_text:json_fields"
    fields: tuple[Path, ...] = Field(min_length=1, description="Dotted paths.")
    into: Literal["value", "columns"] = Field(
        "value",
        description="value: the field becomes the object, list or other value. columns: the "
        "fields of its object take its place in the record.",
    )
    prefix: str = Field("", description="With into columns: in front of the new names.")


class Explode(TransformSettings):
    """One record becomes many: one for each element of a list, or each line of JSON."""

    type: Literal["explode"]
    implementation = "connectors.transforms.explode:step"
    field: Path | None = Field(
        None,
        description="The list, by its dotted path; the other fields stay with each element. "
        "Unless set, the value itself is the list.",
    )
    lines: bool = Field(
        False, description="It is not a list but text, with a JSON document in each line (NDJSON)."
    )
    key: Literal["index", "element"] = Field(
        "index",
        description="How the rows get keys of their own. index: by the element's position, which "
        "is a column of the table's primary_key (with primary_key_mode kafka or search, an "
        "integer column after the coordinates). element: the key is fields of the element.",
    )
    index: str = Field(
        "index",
        min_length=1,
        description="The new field of the value (and of the record's key, where that is the row's) "
        "with the position, from 0. With primary_key_mode kafka or search, the key column.",
    )
    missing: Literal["reject", "drop"] = Field(
        "reject", description="What becomes of a record whose list is null or absent."
    )
    max_elements: int = Field(10_000, ge=1, description="Longer lists are rejected.")

    def problem(self, rules: TableSettings) -> str | None:
        """Why rows of one record would overwrite each other in a table; None where they do not."""
        return element_problem(rules) if self.key == "element" else index_problem(self.index, rules)


class DeleteWhen(TransformSettings):
    """A record of which `when` holds deletes the row of its key."""

    type: Literal["delete_when"]
    implementation = "connectors.transforms.whole_records:delete_when"
    when: Predicate = Field(
        description='Of which records, such as { field = "__deleted", equals = "true" }.'
    )

    @property
    def reports_deletes(self) -> bool:
        """Always true: this transform does nothing but delete."""
        return True


class Filter(TransformSettings):
    """Keep or drop records."""

    type: Literal["filter"]
    implementation = "connectors.transforms.whole_records:filter_by"
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
    implementation = "connectors.transforms.whole_records:function"
    function: FunctionName = Field(description="package.module:function, found on PYTHONPATH.")

    @property
    def reports_deletes(self) -> bool:
        """True: a function may return deletes."""
        return True


# By the word in `type`. This is the one list of transforms: what a [[transforms]] entry may be, and
# the steps of a run, follow it.
TRANSFORMS: dict[str, type[TransformSettings]] = {
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in (
        Include,
        Exclude,
        Rename,
        Cast,
        Insert,
        Flatten,
        Extract,
        Timestamp,
        Json,
        Explode,
        Debezium,
        DeleteWhen,
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
        # Not Field(discriminator=...): that allows no model whose fields have before-validators.
        Discriminator(_word),
    ]


def needs_key(transforms: Sequence[TransformSettings]) -> bool:
    """Whether one of them uses the record's decoded key."""
    return any(
        isinstance(item, Debezium) or (isinstance(item, FieldTransform) and item.of == "key")
        for item in transforms
    )
