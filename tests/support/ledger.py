"""The ledger: what was produced, what must come of it, and the judge that compares.

It knows nothing of the system under test. A manifest holds every record that Kafka took, each with
what must become of it; the judge compares that, record by record, with what the official SDK reads
from the table. Where too little happened to tell, the verdict is UNKNOWN, which fails a test as
well: a run in which no fault fired proves nothing.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

Value: TypeAlias = "int | float | bool | str | bytes"
Key: TypeAlias = "tuple[tuple[str, Value], ...]"
Columns: TypeAlias = "dict[str, Value]"
Tables: TypeAlias = "dict[str, dict[Key, Columns]]"
Place: TypeAlias = "tuple[str, int, int]"
"""Topic, partition, offset."""


@dataclass(frozen=True)
class Put:
    """The record becomes this row, whole; the key's last record decides."""

    table: str
    key: Key
    columns: Columns


@dataclass(frozen=True)
class Rejected:
    """The record must be rejected, and reported as such."""


@dataclass(frozen=True)
class Filtered:
    """The user's own step drops the record."""


Expected: TypeAlias = "Put | Rejected | Filtered"


class Produced(NamedTuple):
    """A record that Kafka has confirmed."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    expected: Expected

    @property
    def place(self) -> Place:
        """Its coordinates in Kafka."""
        return self.topic, self.partition, self.offset


class Effect(NamedTuple):
    """One row change that the table store applied, from its log of effects.

    The log is JSON, so a binary key column stands there as its hexadecimal text.
    """

    table: str
    key: Key


class Manifest:
    """Every record produced, in memory and, where a path is given, as lines of JSON in a file."""

    def __init__(self, path: Path | None = None) -> None:
        self._records: list[Produced] = []
        self._unknown: list[str] = []
        self._lock = threading.Lock()
        self._path = path

    def add(self, record: Produced) -> None:
        """Note a confirmed record; may be called from any thread."""
        with self._lock:
            self._records.append(record)
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(_to_json(record)) + "\n")

    def add_unknown(self, reason: str) -> None:
        """Note a record of which it is unknown whether Kafka has it."""
        with self._lock:
            self._unknown.append(reason)

    def __iter__(self) -> Iterator[Produced]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    @property
    def unknown(self) -> list[str]:
        """Why the fate of some records is not known."""
        with self._lock:
            return list(self._unknown)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest that another process has written."""
        manifest = cls()
        for line in path.read_text(encoding="utf-8").splitlines():
            manifest.add(_from_json(json.loads(line)))
        return manifest

    def tables(self) -> Tables:
        """The rows that must be there in the end: of each key, those of its last record.

        A key with records in two partitions has no defined last record: ValueError.
        """
        tables: Tables = {}
        partition_of: dict[tuple[str, Key], tuple[str, int]] = {}
        for record in sorted(self, key=lambda record: record.place):
            put = record.expected
            if not isinstance(put, Put):
                continue
            home = partition_of.setdefault((put.table, put.key), record.place[:2])
            if home != record.place[:2]:
                raise ValueError(f"key {put.key} has records in two partitions: no order to judge")
            tables.setdefault(put.table, {})[put.key] = put.columns
        return tables


@dataclass
class Verdict:
    """What the judge found. Only PASS is good."""

    status: Literal["PASS", "FAIL", "UNKNOWN"] = "PASS"
    records: int = 0
    rows: int = 0
    applied: int = 0
    duplicates: int = 0
    """Row changes applied beyond one a record."""
    findings: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        kinds = " ".join(f"{kind}={number}" for kind, number in sorted(self.counts.items()))
        head = (
            f"{self.status}: records={self.records} rows={self.rows} applied={self.applied} "
            f"duplicates={self.duplicates} {kinds}"
        )
        return "\n  ".join([head, *self.findings])


_SHOWN = 5


def judge(
    manifest: Manifest,
    tables: Tables,
    effects: Sequence[Effect] | None = None,
    reported: Collection[Place] | None = None,
    minimum: int = 1,
    fired: Mapping[str, int] | None = None,
) -> Verdict:
    """Compare every produced record with the tables that were read back.

    `effects`: everything applied, to count duplicates. `reported`: the rejections that the system
    reported, to compare with those expected. `minimum`: fewer records prove nothing. `fired`: how
    often each fault struck; one that never did makes the verdict UNKNOWN.
    """
    verdict = Verdict(records=len(manifest), rows=sum(map(len, tables.values())))
    expected = manifest.tables()
    earlier = _earlier_rows(manifest)
    for table in sorted({*expected, *tables}):
        want, have = expected.get(table, {}), tables.get(table, {})
        _find(verdict, "missing", table, (key for key in want if key not in have))
        _find(verdict, "extra", table, (key for key in have if key not in want))
        different = [key for key in want if key in have and not _same(want[key], have[key])]
        old = [k for k in different if any(_same(c, have[k]) for c in earlier.get((table, k), ()))]
        _find(verdict, "out_of_order", table, old)
        _find(verdict, "wrong", table, (key for key in different if key not in old))
    if reported is not None:
        rejected = {r.place for r in manifest if isinstance(r.expected, Rejected)}
        _find(verdict, "unreported", "rejections", sorted(rejected - set(reported)))
        _find(verdict, "wrongly_rejected", "rejections", sorted(set(reported) - rejected))
    if effects is not None:
        _count_duplicates(verdict, manifest, effects)
    if verdict.findings:
        verdict.status = "FAIL"
        return verdict
    doubts = [f"the fate of a record is not known: {reason}" for reason in manifest.unknown]
    doubts += [f"fault {name} never fired" for name, times in (fired or {}).items() if times < 1]
    if verdict.records < minimum:
        doubts.append(f"only {verdict.records} records, {minimum} are needed to tell anything")
    if doubts:
        verdict.status = "UNKNOWN"
        verdict.findings = doubts
    return verdict


def _find(verdict: Verdict, kind: str, where: str, found: Iterable[object]) -> None:
    """Count findings of one kind and keep the first few in words."""
    cases = list(found)
    if cases:
        verdict.counts[kind] += len(cases)
        shown = ", ".join(map(str, cases[:_SHOWN])) + (" ..." if len(cases) > _SHOWN else "")
        verdict.findings.append(f"{kind} in {where}: {len(cases)}: {shown}")


def _earlier_rows(manifest: Manifest) -> dict[tuple[str, Key], list[Columns]]:
    rows: dict[tuple[str, Key], list[Columns]] = {}
    for record in manifest:
        if isinstance(record.expected, Put):
            put = record.expected
            rows.setdefault((put.table, put.key), []).append(put.columns)
    return rows


def _count_duplicates(verdict: Verdict, manifest: Manifest, effects: Sequence[Effect]) -> None:
    """A key may be applied once a record; fewer is fine (a window keeps the last of a key)."""
    records = Counter(
        (r.expected.table, _shown(r.expected.key)) for r in manifest if isinstance(r.expected, Put)
    )
    applied = Counter((effect.table, effect.key) for effect in effects)
    verdict.applied = len(effects)
    verdict.duplicates = sum(max(0, times - records[key]) for key, times in applied.items())
    never = [key for key in records if key not in applied]
    _find(verdict, "never_applied", "the log of effects", never)


def _shown(key: Key) -> Key:
    return tuple((name, v.hex() if isinstance(v, bytes) else v) for name, v in key)


def _same(one: Columns, other: Columns) -> bool:
    """Equal in names, types and values: 1, 1.0 and True are three values."""
    return one.keys() == other.keys() and all(
        type(value) is type(other[name]) and value == other[name] for name, value in one.items()
    )


def _to_json(record: Produced) -> dict[str, Any]:
    expected = record.expected
    plain: dict[str, Any] = {"kind": type(expected).__name__}
    if isinstance(expected, Put):
        plain["table"] = expected.table
        plain["key"] = [[name, _pack(value)] for name, value in expected.key]
        plain["columns"] = {name: _pack(value) for name, value in expected.columns.items()}
    key, value = (None if part is None else _pack(part) for part in (record.key, record.value))
    return {"place": record.place, "key": key, "value": value, "expected": plain}


def _from_json(plain: dict[str, Any]) -> Produced:
    kind, wanted = plain["expected"]["kind"], plain["expected"]
    expected: Expected = Rejected() if kind == "Rejected" else Filtered()
    if kind == "Put":
        expected = Put(
            wanted["table"],
            tuple((name, _unpack(value)) for name, value in wanted["key"]),
            {name: _unpack(value) for name, value in wanted["columns"].items()},
        )
    topic, partition, offset = plain["place"]
    key, value = (None if plain[n] is None else _unpack(plain[n]) for n in ("key", "value"))
    return Produced(topic, partition, offset, key, value, expected)


def _pack(value: Value) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _unpack(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value
