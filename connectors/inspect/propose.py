"""Proposes key, columns and mode of a table from a sample, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.inspect.profile import FieldProfile, Profile, column_type
from connectors.settings.tables import NAME
from connectors.settings.tablestore_limits import (
    MAX_COLUMNS,
    MAX_KEY_COLUMNS,
    MAX_KEY_VALUE_BYTES,
)
from connectors.settings.timeseries import is_field_name, is_tag_name

_ID = re.compile(r"(^|_)(id|uuid|guid|key|no|number|code)$|[a-z](Id|ID|Uuid|Key)$", re.IGNORECASE)
_TIME = re.compile(r"(^|_)(time|timestamp|ts|at|date|datetime)($|_)|[a-z](Time|At|Ts)$", re.I)
_LONG_TEXT = 128  # bytes; a longer text is no tag
# Of a series there are many points: a tag has at most one value for so many records.
_RECORDS_A_TAG = 5
_FEW = 20  # records from which a guess about series is worth something
_KEY_TYPES = {"string", "integer", "binary"}


@dataclass
class Guess:
    """One guess, and what speaks for it."""

    about: str
    value: str
    evidence: str


@dataclass
class Proposal:
    """The rules of one table: options of [table] as plain values, and the guesses behind them."""

    topic: str
    table: str
    rules: dict[str, Any] = field(default_factory=dict)
    guesses: list[Guess] = field(default_factory=list)

    def guess(self, about: str, value: str, evidence: str) -> None:
        """Note a guess."""
        self.guesses.append(Guess(about, value, evidence))


def table_of(topic: str) -> str:
    """The topic's name with `_` for what no table name can have."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", topic)[:255]
    return name if NAME.fullmatch(name) else f"_{name}"[:255]


def propose(
    topic: str,
    values: Sequence[Any],
    keys: Sequence[Any],
    *,
    is_change_log: bool = False,
    tombstones: int = 0,
    mode: str = "auto",
) -> Proposal:
    """The rules for a topic's records, by decoded values and beside each its key, None for null.

    `is_change_log`: the records are changes of rows, of which the key is the record's; `tombstones`
    are the records without a value. `mode` is wide_column, timeseries or auto.
    """
    proposal = Proposal(topic, table_of(topic))
    profile = Profile(values)
    if (
        mode != "wide_column"
        and not is_change_log
        and not tombstones
        and _is_series(profile, proposal, mode)
    ):
        return proposal
    _propose_key(proposal, profile, RecordKeys(keys, values), is_change_log, tombstones)
    _propose_columns(proposal, profile)
    return proposal


def _propose_key(
    proposal: Proposal, profile: Profile, keys: RecordKeys, is_change_log: bool, tombstones: int
) -> None:
    rules = proposal.rules
    unique = [one for one in profile.fields.values() if _can_be_key(one) and profile.is_unique(one)]
    unique = [one for one in unique if one.time_unit is None]
    named = [one for one in unique if _ID.search(one.name)]
    changes = is_change_log or tombstones > 0
    if keys.columns and (changes or (keys.are_unique and (keys.is_a_field or not named))):
        rules["primary_key_mode"] = "record_key"
        rules["primary_key"] = keys.columns
        evidence = f"the record's key: {keys.evidence}"
        if tombstones:
            evidence += f"; {tombstones:,} records have a key and no value, so rows are deleted"
        proposal.guess("primary key", _shown(keys.columns), evidence)
        if changes:
            rules["delete_mode"] = "row"
    elif named or unique:
        best = (named or unique)[0]
        rules["primary_key_mode"] = "record_value"
        rules["primary_key"] = [{"name": best.name, "type": column_type(best)}]
        shown = _shown(rules["primary_key"])
        proposal.guess("primary key", shown, f"{best.name}: {best.evidence(profile.records)}")
    else:
        rules["primary_key_mode"] = "search"
        evidence = "no field is in all records with another value in each: each record is a row of "
        evidence += "its own, spread by a hash"
        if keys.columns:
            evidence += f". The record's key has {keys.evidence}: if its newest record shall "
            evidence += 'replace the others, set primary_key_mode = "record_key" and primary_key = '
            evidence += f"[{_shown(keys.columns)}]"
        proposal.guess("primary key", "md5, topic, partition, offset", evidence)


class RecordKeys:
    """The key columns that the records' own keys would make."""

    def __init__(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        """`columns` is empty where they make none."""
        self.columns: list[dict[str, str]] = []
        self.evidence = ""
        self.are_unique = False
        self.is_a_field = False
        """Whether a field of the value has the same content."""
        if not keys or any(key is None for key in keys):
            return
        if all(isinstance(key, dict) for key in keys):
            self._of_objects(keys)
        else:
            self._of_plain(keys, values)

    def _of_objects(self, keys: Sequence[Any]) -> None:
        profile = Profile(keys)
        fields = [*profile.fields.values()]
        fits = all(_can_be_key(one) and profile.is_everywhere(one) for one in fields)
        if fits and 1 <= len(fields) <= MAX_KEY_COLUMNS:
            self.columns = [{"name": one.name, "type": column_type(one)} for one in fields]
            different = len({tuple(map(repr, key.values())) for key in keys})
            self.is_a_field = True
            self._count(len(keys), different)

    def _of_plain(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        whole = FieldProfile("key")
        for key in keys:
            whole.add(key)
        if not _can_be_key(whole):
            return
        names = {name for value in values if isinstance(value, dict) for name in value}
        same = [name for name in names if NAME.fullmatch(name) and _equals(name, keys, values)]
        self.is_a_field = bool(same)
        free = [name for name in ("id", "record_key", "kafka_key", "key_") if name not in names]
        name = sorted(same, key=lambda one: (not _ID.search(one), one))[0] if same else free[0]
        self.columns = [{"name": name, "type": column_type(whole)}]
        self._count(len(keys), whole.different)

    def _count(self, number: int, different: int) -> None:
        self.are_unique = different == number
        every = "all different" if self.are_unique else f"{different:,} different"
        self.evidence = f"{number:,} of {number:,} present, {every}"


def _equals(name: str, keys: Sequence[Any], values: Sequence[Any]) -> bool:
    return all(
        isinstance(value, dict) and type(value.get(name)) is type(key) and value[name] == key
        for key, value in zip(keys, values, strict=True)
    )


def _can_be_key(one: FieldProfile) -> bool:
    return (
        NAME.fullmatch(one.name) is not None
        and len(one.value_types) == 1
        and one.value_types <= _KEY_TYPES
        and one.max_length <= MAX_KEY_VALUE_BYTES
    )


def _propose_columns(proposal: Proposal, profile: Profile) -> None:
    rules, records = proposal.rules, profile.records
    key = {column["name"] for column in rules.get("primary_key", ())}
    fields = [one for one in profile.fields.values() if one.name not in key]
    illegal = [one.name for one in fields if not NAME.fullmatch(one.name)]
    if illegal:
        rules["columns"] = "all"
        rules["column_names"] = "rewrite"
        proposal.guess(
            "columns",
            "all, with names rewritten",
            f"{len(illegal):,} of {len(fields):,} fields have names that no column can have",
        )
    elif not fields or len(fields) > MAX_COLUMNS:
        rules["columns"] = "all"
        proposal.guess("columns", "all", f"{len(fields):,} fields were seen")
    else:
        rules["columns"] = [{"name": one.name, "type": column_type(one)} for one in fields]
    for one in fields if not illegal else ():
        proposal.guess(f"column {one.name}", column_type(one), one.evidence(records))


def _is_series(profile: Profile, proposal: Proposal, mode: str) -> bool:
    """Whether the records look like points of series; then the rules are those of one."""
    times = [
        one
        for one in profile.fields.values()
        if profile.is_everywhere(one) and _TIME.search(one.name) and one.time_unit in _UNITS
    ]
    numbers = [
        one
        for one in profile.fields.values()
        if one.value_types and one.value_types <= {"integer", "double"} and one not in times
        if not _ID.search(one.name)
    ]
    tags = [one for one in profile.fields.values() if _is_tag(one, profile)]
    unique = [one for one in profile.fields.values() if profile.is_unique(one) and one not in times]
    measured = [one for one in numbers if "double" in one.value_types]
    unique_ids = [one for one in unique if _ID.search(one.name)]
    looks_so = profile.records >= _FEW and times and measured and tags and not unique_ids
    if mode != "timeseries" and not looks_so:
        return False
    proposal.rules["mode"] = "timeseries"
    made: dict[str, Any] = {"tags": [one.name for one in tags]}
    records = profile.records
    if times:
        made |= {"time_field": times[0].name, "time_unit": times[0].time_unit}
        evidence = f"{times[0].evidence(records)}, all look like times in {times[0].time_unit}"
        proposal.guess("time", times[0].name, evidence)
    else:
        proposal.guess("time", "the record's own", "no field looks like a time in all records")
    proposal.guess("measurement", "the topic's name", "no field was looked for")
    for one in tags:
        proposal.guess(f"tag {one.name}", "tag", one.evidence(records))
    taken = {one.name for one in (*tags, *times[:1])}
    declared = [one for one in profile.fields.values() if one.name not in taken and one.filled]
    if all(is_field_name(one.name.lower()) for one in declared):
        made["fields"] = [{"name": one.name, "type": column_type(one)} for one in declared]
    for one in declared:
        proposal.guess(f"field {one.name}", column_type(one), one.evidence(records))
    proposal.rules["timeseries"] = made
    return True


_UNITS = {"s", "ms", "us", "ns", "iso8601"}


def _is_tag(one: FieldProfile, profile: Profile) -> bool:
    few = one.different * _RECORDS_A_TAG <= profile.records
    return (
        one.value_types == {"string"}
        and one.time_unit is None
        and is_tag_name(one.name)
        and one.max_length <= _LONG_TEXT
        and few
        and profile.is_everywhere(one)
    )


def _shown(columns: Sequence[dict[str, str]]) -> str:
    return ", ".join(f"{column['name']} {column['type']}" for column in columns)
