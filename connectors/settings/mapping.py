"""[mapping]: which table a record goes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from connectors.settings.section import Section
from connectors.settings.tables import NAME, Name


class Replacement(Section):
    """A regular expression, and the text that replaces its matches."""

    pattern: str = Field(min_length=1, description="The regular expression.")
    by: str = Field("", description="The text that replaces it; \\1 is the first group.")

    @model_validator(mode="after")
    def _check(self) -> Replacement:
        try:
            made = re.compile(self.pattern)
            # A pattern with the same groups that matches, to check the replacement.
            names = {number: name for name, number in made.groupindex.items()}
            groups = (
                f"(?P<{names[n]}>)" if n in names else "()" for n in range(1, made.groups + 1)
            )
            match = re.match("".join(groups), "")
            if match is not None:
                match.expand(self.by)
        except (re.error, IndexError) as error:
            raise ValueError(
                f"is not a regular expression, or not a text for it: {error}"
            ) from None
        return self


class MappingSettings(Section):
    """Which table a topic goes to."""

    table_name: str = Field(
        "<topic>", description="Table name; <topic> stands for the name of the topic."
    )
    topics: dict[str, Name] = Field(
        default_factory=dict, description="Tables of single topics; wins over table_name."
    )
    prefixes: dict[str, str] = Field(
        default_factory=dict,
        description="Beginning of a topic's name = what replaces it in <topic>; the longest that "
        "fits counts.",
    )
    last_part: bool = Field(
        False, description="<topic> is only what follows the last dot of the topic's name."
    )
    replace: tuple[Replacement, ...] = Field(
        (),
        description="Regular expressions, one after the other: {pattern, by}; each match in "
        "<topic> is replaced by the text `by`, in which \\1 is the first group.",
    )
    lower_case: bool = Field(False, description="<topic> in lower case.")

    route_field: str | None = Field(
        None,
        min_length=1,
        description="The field of the value, by its dotted path, that names the record's table.",
    )
    route_header: str | None = Field(
        None, min_length=1, description="The header that names the record's table."
    )
    route_tables: tuple[Name, ...] = Field(
        (),
        description="The tables that a field, a header or a function may name. They are compared "
        "or created at the start, as those of the topics; another name is a rejection.",
    )
    route_missing: Literal["topic", "reject"] = Field(
        "topic",
        description="What happens to a record whose field or header is null or absent. topic: it "
        "goes to its topic's table. reject: it is rejected.",
    )

    @cached_property
    def table_of(self) -> Callable[[str], str]:
        """The function from a topic to its table; perhaps an illegal name.

        The rules apply in this order: prefixes, last_part, replace, lower_case. Each topic's table
        is worked out once.
        """
        known: dict[str, str] = {**self.topics}
        by_rules = self._rules()

        def name(topic: str) -> str:
            found = known.get(topic)
            if found is None:
                found = known[topic] = self.table_name.replace("<topic>", by_rules(topic))
            return found

        return name

    def _rules(self) -> Callable[[str], str]:
        prefixes = sorted(self.prefixes.items(), key=lambda item: -len(item[0]))
        replace = [(re.compile(rule.pattern), rule.by) for rule in self.replace]

        def by_rules(topic: str) -> str:
            for prefix, instead in prefixes:
                if topic.startswith(prefix):
                    topic = instead + topic[len(prefix) :]
                    break
            if self.last_part:
                topic = topic.rpartition(".")[2]
            for pattern, by in replace:
                topic = pattern.sub(by, topic)
            return topic.lower() if self.lower_case else topic

        return by_rules

    @property
    def routes_all(self) -> bool:
        """Whether each record names its table, so that topics have none."""
        named = self.route_field is not None or self.route_header is not None
        return named and self.route_missing == "reject"

    @model_validator(mode="after")
    def _check_routing(self) -> MappingSettings:
        ways = [name for name in ("route_field", "route_header") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError("route_field and route_header both name the table: keep one")
        if ways and not self.route_tables:
            raise ValueError(f"{ways[0]} needs route_tables, the list of tables that it may name")
        if "route_missing" in self.model_fields_set and not ways:
            raise ValueError(
                "route_missing has no meaning without route_field or route_header: set one, or "
                "remove it"
            )
        twice = sorted({n for n in self.route_tables if self.route_tables.count(n) > 1})
        if twice:
            raise ValueError(f"route_tables names twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _check(self) -> MappingSettings:
        if not NAME.fullmatch(self.table_name.replace("<topic>", "t")):
            raise ValueError(
                f"table_name {self.table_name!r} cannot give legal table names: 1 to 255 of the "
                "characters A-Z a-z 0-9 _ without a digit in front, such as kafka_<topic>"
            )
        return self
