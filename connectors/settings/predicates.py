"""Predicates of [[transforms]]: conditions on a record; and the types that options share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from connectors.settings.section import Section


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
Path = Annotated[str, Field(min_length=1)]
Literals = str | int | float | bool


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
            raise ValueError(f"{', '.join(used)} is not allowed here: compare one field or header")
        if "()" in {str(getattr(self, name)) for name in ("all", "any", "none", "one_of")}:
            raise ValueError("all, any, none and one_of need at least one entry")
        return self
