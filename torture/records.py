"""What is produced: records of five topics, each with what must become of it.

A topic's name is its table's. Keys live for a while and then never change again, so a row at the
end shows the order at the moment in which its key changed last: any moment of any cycle.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

Kind = Literal["put", "update", "delete", "newest", "reject", "refuse", "filter"]
"""newest: each cell keeps its newest version. reject: by the flow. refuse: by the service."""
Columns: TypeAlias = "dict[str, int | str | None]"
Place: TypeAlias = "tuple[str, int, int]"
"""Topic, partition, offset."""

PARTITIONS = 4
APPEND, PUT, UPDATE = "events", "orders", "profiles"
NEWEST_PUT, NEWEST_UPDATE = "prices", "stock"
TOPICS = (APPEND, PUT, UPDATE, NEWEST_PUT, NEWEST_UPDATE)
REFUSED_COLUMN, REFUSED_VALUE = "refused", 13
"""The service refuses rows with this value, by a fault rule."""
_KEYS_AT_A_TIME, _CHANGES_OF_A_KEY = 60, 5
_COLUMNS = ("a", "b", "c", "d")
_FIRST_VERSION = 1_750_000_000_000

_BAD_VALUES = (
    b"{",
    b'{"n": 1',
    b"[1, 2]",
    b'"text"',
    b"\xff\xfe{}",
    b'{"n": 9223372036854775808}',
    b'{"n": NaN}',
)
_BAD_KEYS = (b"{", b"{}", b'{"id": null}', b'{"id": [1]}', b'{"id": "%s"}' % (b"k" * 1100))


class Sent(NamedTuple):
    """A record as it is handed to the producer."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    kind: Kind
    row: str
    """The row's key; empty where it is the record's place."""
    columns: Columns
    version: int = 0


@dataclass(frozen=True)
class Produced:
    """A record that Kafka has confirmed."""

    sent: Sent
    place: Place


class Feed:
    """Makes the records of all topics, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._numbers = dict.fromkeys(TOPICS, 0)
        self._versions: set[tuple[str, str, int]] = set()

    def next(self) -> Sent:
        """The next record of a topic, chosen at random."""
        topic = self._random.choice(TOPICS)
        number = self._numbers[topic] = self._numbers[topic] + 1
        if topic == APPEND:
            return self._append(number)
        row, partition = self._row(number)
        key = json.dumps({"id": row}).encode()
        if self._random.random() < 0.01:
            return self._bad(topic, partition, key)
        if topic in (NEWEST_PUT, NEWEST_UPDATE):
            return self._newest(topic, partition, row, number)
        if self._random.random() < 0.15:
            return Sent(topic, partition, key, None, "delete", row, {})
        columns: Columns = {"n": number, **self._some()}
        value = json.dumps(columns).encode()
        kind: Kind = "put"
        if topic == UPDATE:
            kind = "update"
        else:
            columns = {name: found for name, found in columns.items() if found is not None}
        return Sent(topic, partition, key, value, kind, row, columns)

    def _row(self, number: int) -> tuple[str, int]:
        first = number // (_KEYS_AT_A_TIME * _CHANGES_OF_A_KEY) * _KEYS_AT_A_TIME
        chosen = first + self._random.randrange(_KEYS_AT_A_TIME)
        return f"k{chosen:08}", chosen % PARTITIONS

    def _some(self) -> Columns:
        """Some columns, some of them null."""
        names = self._random.sample(_COLUMNS, self._random.randrange(len(_COLUMNS) + 1))
        return {name: self._random.choice([None, *range(9)]) for name in names}

    def _append(self, number: int) -> Sent:
        partition = self._random.randrange(PARTITIONS)
        chance = self._random.random()
        if chance < 0.01:
            value = self._random.choice(_BAD_VALUES)
            return Sent(APPEND, partition, None, value, "reject", "", {})
        columns: Columns = {"n": number, "text": f"event {number}"}
        kind: Kind = "put"
        if chance < 0.02:
            kind, columns = "refuse", {**columns, REFUSED_COLUMN: REFUSED_VALUE}
        elif chance < 0.05:
            kind, columns = "filter", {**columns, "status": "test"}
        return Sent(APPEND, partition, None, json.dumps(columns).encode(), kind, "", columns)

    def _bad(self, topic: str, partition: int, key: bytes) -> Sent:
        value = b'{"n": 1}'
        if self._random.random() < 0.5:
            key = self._random.choice(_BAD_KEYS)
        else:
            value = self._random.choice(_BAD_VALUES)
        return Sent(topic, partition, key, value, "reject", "", {})

    def _newest(self, topic: str, partition: int, row: str, number: int) -> Sent:
        """Versions that are late by up to twenty changes, and never twice the same for a row."""
        version = _FIRST_VERSION + 100 * (number - self._random.randrange(20))
        while (topic, row, version) in self._versions:
            version += 1
        self._versions.add((topic, row, version))
        some = {name: found for name, found in self._some().items() if found is not None}
        columns: Columns = {"n": number, "at": version, **some}
        key, value = json.dumps({"id": row}).encode(), json.dumps(columns).encode()
        return Sent(topic, partition, key, value, "newest", row, columns, version)


def settings() -> dict[str, dict[str, Any]]:
    """The sections of the configuration under which the records become what they must."""
    key = [{"name": "id", "type": "string"}]
    keyed = {"primary_key_mode": "record_key", "primary_key": key}
    newest = {**keyed, "version": "field", "version_field": "at"}
    return {
        "table": {"auto_create": True},
        "tables": {
            PUT: {**keyed, "delete_mode": "row"},
            UPDATE: {**keyed, "insert_mode": "update", "delete_mode": "row_and_column"},
            NEWEST_PUT: newest,
            NEWEST_UPDATE: {**newest, "insert_mode": "update"},
        },
    }


TRANSFORMS = [{"type": "filter", "drop": {"field": "status", "equals": "test"}}]
"""The list of [[transforms]] beside them."""


def refusal(rejecting: str = "OTSParameterInvalid") -> dict[str, Any]:
    """The fault rule by which the service refuses rows."""
    refused = {"column": REFUSED_COLUMN, "value": REFUSED_VALUE}
    return {"kind": "row_error", "code": rejecting, "table": APPEND, "key": refused}
