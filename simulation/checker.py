"""The checker: what was produced, what became of it, and whether that is right.

It knows nothing of the system under test: it is fed by the simulation, or by anything else that can
say what was produced and what came out. The verdict is PASS, FAIL or UNKNOWN; only PASS is good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Place: TypeAlias = "tuple[str, int, int]"
"""Topic, partition and offset of a record."""
Columns: TypeAlias = "tuple[tuple[str, object], ...]"
"""The columns of a row, sorted by name."""
Kind = Literal["put", "update", "delete", "reject", "refuse", "filter"]
"""reject: the connector rejects it. refuse: the service does, unless a later change replaces it.
filter: a step drops it, and it leaves nothing."""
_SHOWN = 4


class Produced(NamedTuple):
    """A record and what must become of it."""

    place: Place
    table: str
    key: str
    kind: Kind
    columns: Columns = ()
    value: bytes | None = None

    @property
    def row(self) -> tuple[str, str]:
        """Table and key of its row."""
        return self.table, self.key


@dataclass
class Verdict:
    """What was found. Only PASS is good."""

    status: Literal["PASS", "FAIL", "UNKNOWN"] = "PASS"
    records: int = 0
    applied: int = 0
    duplicates: int = 0
    findings: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        head = (
            f"{self.status}: {self.records} records, {self.applied} row changes applied, "
            f"{self.duplicates} of them repeated"
        )
        return "\n  ".join([head, *self.findings])


class Checker:
    """Follows one run after the other on the same data, and judges at the end."""

    def __init__(self) -> None:
        self._records: dict[Place, Produced] = {}
        self._of_row: defaultdict[tuple[str, str], list[Produced]] = defaultdict(list)
        self._ends: dict[tuple[str, int], int] = {}
        self._by_value: dict[tuple[str, int, str, object], Place] = {}
        self._by_content: defaultdict[tuple[tuple[str, str], Columns], list[Place]] = defaultdict(
            list
        )
        self._committed: dict[tuple[str, int], int] = {}
        # Records that the brokers removed before they were durable: either fate is right.
        self._removed: set[Place] = set()
        self._high: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[int, str, str], int] = {}
        # Of each dead letter: its run, its value, and whether its row had waited in the run.
        self._dead: defaultdict[Place, list[tuple[int, bytes | None, bool]]] = defaultdict(list)
        self._open: set[Place] = set()
        # Rows of the present run that wait in it though their records are read again.
        self._ahead: set[Place] = set()
        self._stored: dict[tuple[str, int], int] = {}
        self.verdict = Verdict()
        self.doubts: list[str] = []
        """Why the verdict cannot be PASS though nothing wrong was found."""

    def produced(self, record: Produced) -> None:
        """Note a record, in the order of its partition."""
        self._records[record.place] = record
        for column, found in record.columns:
            topic, partition, offset = record.place
            self._by_value[topic, partition, column, found] = record.place
        self._of_row[record.row].append(record)
        self._by_content[record.row, record.columns].append(record.place)
        topic, partition, offset = record.place
        self._ends[topic, partition] = offset + 1

    def removed(self, places: Iterable[Place]) -> None:
        """Note records that the brokers removed while no stored offset was past them."""
        self._removed.update(places)

    def applied(self, run: int, place: Place, is_exact: bool = True) -> None:
        """Note that a run's change of a row took effect.

        `is_exact`: it is known to be the change of this record, and not of an earlier one.
        """
        record = self._records[place]
        offset = place[2]
        self.verdict.applied += 1
        self._high[record.row] = max(self._high.get(record.row, -1), offset)
        if not is_exact or place in self._ahead:
            self._ahead.discard(place)
            return
        last = self._last.get((run, *record.row), -1)
        if offset < last:
            self.found("out_of_order", f"{_shown(place)} was applied after offset {last}")
        if offset == last:
            self.verdict.duplicates += 1
        self._last[run, record.table, record.key] = max(last, offset)
        if record.kind in ("reject", "refuse", "filter"):
            self.found("wrongly_written", f"{_shown(place)} must not be written")

    def place_of(self, topic: str, partition: int, column: str, value: object) -> Place | None:
        """The record of a partition that has this value in a column."""
        return self._by_value.get((topic, partition, column, value))

    def place_of_change(self, row: tuple[str, str], columns: Columns) -> tuple[Place, bool] | None:
        """The record that changes a row so, and whether no other one does; else the last of them.

        None: no record does.
        """
        found = self._by_content.get((row, columns))
        return (found[-1], len(found) == 1) if found else None

    def last_delete(
        self,
        table: str,
        key: str,
        before: int | None = None,
        ends: Mapping[tuple[str, int], int] | None = None,
    ) -> Place | None:
        """The last record that deletes a row; the service cannot say which did.

        Only those `before` an offset count, and those up to the last one of a partition in `ends`.
        """
        found = [
            record.place
            for record in self._of_row[table, key]
            if record.kind == "delete"
            and (before is None or record.place[2] < before)
            and (ends is None or record.place[2] <= ends.get(record.place[:2], -1))
        ]
        return found[-1] if found else None

    def dead_lettered(self, run: int, place: Place, value: bytes | None) -> None:
        """Note a dead letter that its destination has confirmed, with the record's value in it."""
        self._dead[place].append((run, value, place in self._ahead))
        self._ahead.discard(place)

    def is_done(self, place: Place) -> bool:
        """Whether a record is written, replaced by a later change of its row, or dead-lettered."""
        record = self._records.get(place)
        if record is None or record.kind == "filter" or place in self._removed:
            return True
        if place in self._dead or record.kind == "reject":
            return place in self._dead
        return self._high.get(record.row, -1) >= place[2]

    def stored(self, offsets: Mapping[tuple[str, int], int], waiting: Iterable[Place]) -> None:
        """Check what a run that is killed now would be resumed with: offsets and waiting rows."""
        for partition, offset in offsets.items():
            before = self._stored.get(partition, 0)
            self._open.update((*partition, number) for number in range(before, offset))
            self._stored[partition] = max(before, offset)
        kept = {*waiting}
        for place in [place for place in self._open if self.is_done(place)]:
            self._open.discard(place)
        for place in sorted(self._open - kept):
            self.found("stored_too_early", f"{_shown(place)} is before the stored offset")
            self._open.discard(place)

    def resumed(self, offsets: Mapping[tuple[str, int], int], waiting: Iterable[Place]) -> None:
        """Note what a run begins with: offsets, and the rows that wait.

        A state that a killed run had stored may have rows of records after the offset. They are
        written first, and again when their records are read: each row ends as it must.
        """
        self._ahead = {place for place in waiting if place[2] >= offsets.get(place[:2], 0)}

    def stored_offset(self, partition: tuple[str, int]) -> int:
        """The offset that was stored last."""
        return self._stored.get(partition, 0)

    def committed(self, partition: tuple[str, int], offset: int) -> None:
        """Check an offset that the group commits: nothing before it may be unfinished."""
        first = self._committed.get(partition, 0)
        self._committed[partition] = max(first, offset)
        for number in range(first, offset):
            if not self.is_done((*partition, number)):
                place = (*partition, number)
                self.found("committed_too_early", f"{_shown(place)} is before offset {offset}")
                return

    def found(self, kind: str, text: str) -> None:
        """Note something that is wrong."""
        self.verdict.kinds[kind] += 1
        if self.verdict.kinds[kind] <= _SHOWN:
            self.verdict.findings.append(f"{kind}: {text}")

    @property
    def has_failed(self) -> bool:
        """Whether something wrong was found already."""
        return bool(self.verdict.kinds)

    def judge(
        self,
        rows: Mapping[tuple[str, str], Columns],
        minimum: int = 1,
        once_a_run: bool = False,
        committed: Mapping[tuple[str, int], int] | None = None,
    ) -> Verdict:
        """The verdict, with the rows by table and key as they are in the end.

        `minimum`: fewer records prove nothing. `once_a_run`: a run must not repeat a dead letter.
        `committed`: the group's offsets, when all must be at the ends of their partitions.
        """
        verdict = self.verdict
        verdict.records = len(self._records)
        for place in sorted(self._records):
            if not self.is_done(place):
                self.found("lost", _shown(place))
        self._judge_rows(rows)
        self._judge_dead_letters(once_a_run)
        for partition, end in self._ends.items() if committed is not None else ():
            if (committed or {}).get(partition, 0) < end:
                at = (committed or {}).get(partition)
                self.found("not_committed", f"{partition[0]}-{partition[1]}: {at} instead of {end}")
        if verdict.kinds:
            verdict.status = "FAIL"
            return verdict
        if verdict.records < minimum:
            self.doubts.append(f"only {verdict.records} records, {minimum} are needed")
        if self.doubts:
            verdict.status = "UNKNOWN"
            verdict.findings = [*self.doubts]
        return verdict

    def _judge_rows(self, rows: Mapping[tuple[str, str], Columns]) -> None:
        for row in sorted({*self._of_row, *rows}):
            records = self._of_row.get(row, [])
            found = rows.get(row)
            if any(record.place in self._removed for record in records):
                self._judge_row_of_removed(row, records, found)
                continue
            right: Columns | None = None
            for record in records:
                right = _after(right, record)
            if found != right:
                shown = f"{row[0]} {row[1]}: {_show_columns(found)}"
                kind = "missing" if found is None else "extra" if right is None else "wrong"
                self.found(kind, f"{shown} instead of {_show_columns(right)}")

    def _judge_row_of_removed(
        self, row: tuple[str, str], records: Sequence[Produced], found: Columns | None
    ) -> None:
        """Judge a row of which the brokers removed records.

        They may have been written or not, and records before them may have been written again
        after them. What is sure is a record that came later and makes the whole row.
        """
        removed = [number for number, each in enumerate(records) if each.place in self._removed]
        whole = [
            number
            for number, each in enumerate(records)
            if number > removed[-1] and each.kind in ("put", "delete")
        ]
        if whole:
            right: Columns | None = None
            for record in records[whole[-1] :]:
                right = _after(right, record)
            is_right = found == right
        else:
            known = {column for each in records for column in each.columns}
            is_right = found is None or known.issuperset(found)
        if not is_right:
            self.found("wrong", f"{row[0]} {row[1]}: {_show_columns(found)}")

    def _judge_dead_letters(self, once_a_run: bool) -> None:
        for place, sent in sorted(self._dead.items()):
            record = self._records.get(place)
            if record is None:
                self.found("wrongly_rejected", f"{_shown(place)}, which is no record")
                continue
            if record.kind not in ("reject", "refuse"):
                self.found("wrongly_rejected", _shown(place))
            if any(value != record.value for _, value, _ in sent):
                self.found("dead_letter_differs", _shown(place))
            runs = Counter(run for run, _, had_waited in sent if not had_waited)
            if once_a_run and max(runs.values(), default=0) > 1:
                self.found("dead_letter_repeated", f"{_shown(place)} within one run")


def _after(columns: Columns | None, record: Produced) -> Columns | None:
    """The row after a record."""
    change: dict[Kind, Callable[[], Columns | None]] = {
        "put": lambda: record.columns,
        "update": lambda: tuple(sorted({**dict(columns or ()), **dict(record.columns)}.items())),
        "delete": lambda: None,
        "reject": lambda: columns,
        "refuse": lambda: columns,
        "filter": lambda: columns,
    }
    return change[record.kind]()


def _shown(place: Place) -> str:
    return f"{place[0]}-{place[1]}@{place[2]}"


def _show_columns(columns: Columns | None) -> str:
    return "no row" if columns is None else str(dict(columns))
