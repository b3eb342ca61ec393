"""What in a topic's records differs from its configuration: fields that are new, gone or changed.

Looks at records as the mapping sees them, behind decoding and transforms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from connectors.inspect.preview import Preview
from connectors.inspect.profile import FieldProfile, Profile, column_type
from connectors.records import Message, Record
from connectors.records.value_types import TAKEN_AS_IT_IS
from connectors.run.drift_watch import listed_columns, used_otherwise
from connectors.settings import Settings
from connectors.settings.tables import TableSettings

Kind = Literal["new", "gone", "type", "mixed", "rejected"]
_MAX_REASONS = 20
# Records in each half of a sample, from which a field of one half only is news.
_ENOUGH = 10


class Difference(NamedTuple):
    """One difference, what it does to the records, and what could be changed."""

    kind: Kind
    field: str
    """The field; of rejections their code."""
    text: str
    proposal: str = ""
    """A change of the configuration; a line of TOML where that is one."""


class TableDrift(NamedTuple):
    """The differences of a topic's records to the rules of their table."""

    topic: str
    table: str
    records: int
    differences: list[Difference]


def drift_of(
    settings: Settings, preview: Preview, topic: str, messages: Sequence[Message]
) -> list[TableDrift]:
    """Compare records of a topic, oldest first, with the rules of their tables. Raises StopRun.

    The first is the topic's own table, with what is rejected; others are those that records name.
    """
    own = settings.table_of(topic)
    records: dict[str, list[Record]] = {own: []}
    rejected: Counter[tuple[str, str]] = Counter()
    for message in messages:
        previewed = preview.of(message)
        tables = {row.table for row in previewed.rows}
        table = tables.pop() if len(tables) == 1 else own
        records.setdefault(table, []).extend(preview.records_of(message))
        for dead_letter in previewed.rejections[:1]:
            rejected[dead_letter.code, dead_letter.reason] += 1
    found = [_of_table(settings, topic, table, mine) for table, mine in records.items()]
    found[0].differences.extend(
        Difference("rejected", code, f"{number:,} of {len(messages):,} records: {reason}")
        for (code, reason), number in rejected.most_common(_MAX_REASONS)
    )
    return [one for one in found if one.records or one.differences or len(found) == 1]


def _of_table(settings: Settings, topic: str, table: str, records: Sequence[Record]) -> TableDrift:
    rules = settings.rules_of(table)
    upserts = [one for one in records if one.change == "upsert" and one.value is not None]
    if listed_columns(rules):
        found = _of_listed(rules, Profile(one.value for one in upserts))
    else:
        found = _of_halves(upserts)
    return TableDrift(topic, table, len(records), found)


def _of_listed(rules: TableSettings, profile: Profile) -> list[Difference]:
    listed, others, records = listed_columns(rules), used_otherwise(rules), profile.records
    found = []
    for name, one in profile.fields.items():
        if name not in listed and name not in others:
            text = f"it is not listed, so it is dropped: {one.evidence(records)}"
            proposal = f'{{ name = "{name}", type = "{column_type(one)}" }}'
            found.append(Difference("new", name, text, proposal))
        elif name in listed:
            found += _of_type(name, listed[name], one, records)
    for name, wanted in listed.items():
        if name not in profile.fields and records:
            text = f"it is listed as {wanted}, and in none of {records:,} records"
            found.append(
                Difference("gone", name, text, "remove it from the list, or mend the producer")
            )
    return found


def _of_type(name: str, wanted: str, one: FieldProfile, records: int) -> list[Difference]:
    other = {
        kind: n for kind, n in one.types.items() if kind not in {*TAKEN_AS_IT_IS[wanted], "null"}
    }
    if not other:
        return []
    shown = ", ".join(f"{number:,} {kind}" for kind, number in other.items())
    text = f"it is listed as {wanted}, and of {records:,} records {shown}"
    return [Difference("type", name, text, f'{{ name = "{name}", type = "{column_type(one)}" }}')]


def _of_halves(records: Sequence[Record]) -> list[Difference]:
    """Where all fields are written: what the newer records have otherwise than the older ones."""
    middle = len(records) // 2
    if middle < _ENOUGH:
        return []
    older = Profile(record.value for record in records[:middle])
    newer = Profile(record.value for record in records[middle:])
    found = []
    for name in {**older.fields, **newer.fields}:
        before, now = older.fields.get(name), newer.fields.get(name)
        if before is None and now is not None:
            text = f"only the newer half of the sample has it: {now.evidence(newer.records)}"
            found.append(Difference("new", name, text))
        elif now is None and before is not None:
            text = f"only the older half of the sample has it: {before.evidence(older.records)}"
            found.append(Difference("gone", name, text))
        elif before is not None and now is not None:
            found += _of_kinds(name, before, now)
    return found


def _of_kinds(name: str, before: FieldProfile, now: FieldProfile) -> list[Difference]:
    if before.value_types != now.value_types and before.value_types and now.value_types:
        text = f"it was {_kinds(before)} in the older half of the sample, and is {_kinds(now)}"
        return [Difference("type", name, text, _cast(name, before, now))]
    if len(now.value_types) > 1:
        text = f"its column holds several types: {_kinds(now)}"
        return [Difference("mixed", name, text, _cast(name, before, now))]
    return []


def _cast(name: str, *profiles: FieldProfile) -> str:
    kinds = set().union(*(one.value_types for one in profiles))
    wanted = "double" if kinds == {"integer", "double"} else "string"
    return f'list it with one type: {{ name = "{name}", type = "{wanted}" }}'


def _kinds(one: FieldProfile) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in one.types.most_common() if kind != "null")


def document(drift: TableDrift) -> dict[str, Any]:
    """For --json."""
    return {
        "topic": drift.topic,
        "table": drift.table,
        "records": drift.records,
        "differences": [difference._asdict() for difference in drift.differences],
    }
