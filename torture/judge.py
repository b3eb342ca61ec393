"""The judge: every record produced, compared with the rows and the dead letters that came of it.

It knows nothing of the flow. A record must be its row, or be replaced by a later one of its key, or
be a dead letter with its own bytes, or be filtered. PASS, FAIL or UNKNOWN; only PASS is good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from torture.records import Columns, Place, Produced, Sent

Row: TypeAlias = "tuple[str, tuple[object, ...]]"
"""Table and key of a row."""
State: TypeAlias = "dict[str, tuple[int, int | str]] | None"
"""Columns of a row with the version of each; None: no row."""
_SHOWN = 5


class DeadLetter(NamedTuple):
    """A dead letter as it was read back."""

    place: Place
    key: bytes | None
    value: bytes | None


@dataclass
class Verdict:
    """What was found. Only PASS is good."""

    status: Literal["PASS", "FAIL", "UNKNOWN"] = "PASS"
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """lost, wrong, out_of_order, unaccounted."""
    findings: list[str] = field(default_factory=list)

    def found(self, kind: str, text: str) -> None:
        """Note something that is wrong."""
        self.kinds[kind] += 1
        if self.kinds[kind] <= _SHOWN:
            self.findings.append(f"{kind}: {text}")


def row_of(record: Produced) -> Row:
    """Table and key of a record's row."""
    topic, partition, offset = record.place
    return topic, (record.sent.row,) if record.sent.row else (f"{topic}_{partition}", offset)


def judge(
    records: Sequence[Produced],
    rows: Mapping[Row, Columns],
    dead_letters: Iterable[DeadLetter],
    applied: Mapping[Row, int],
    doubts: Sequence[str] = (),
) -> Verdict:
    """Compare; `applied` counts the changes of each row, `doubts` are why it may prove nothing."""
    verdict = Verdict(records=len(records), rows=len(rows))
    changes: defaultdict[Row, list[Produced]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.place):
        if record.sent.kind in ("put", "update", "delete", "newest"):
            changes[row_of(record)].append(record)
    for row, of_row in changes.items():
        _judge_row(verdict, row, of_row, rows.get(row))
    for row in rows:
        if row not in changes:
            verdict.found("wrong", f"a row that no record makes: {row}")
    _judge_dead_letters(verdict, records, dead_letters)
    verdict.duplicates += sum(
        max(0, times - len(changes[row])) for row, times in applied.items() if row in changes
    )
    if verdict.kinds:
        verdict.status = "FAIL"
    elif doubts or not records:
        verdict.status = "UNKNOWN"
        verdict.findings += doubts or ["no records"]
    return verdict


def _judge_row(
    verdict: Verdict, row: Row, records: Sequence[Produced], have: Columns | None
) -> None:
    state: State = None
    states: list[Columns | None] = [None]
    for record in records:
        state = _after(state, record.sent)
        states.append(_plain(state))
    want = states.pop()
    if have == want:
        return
    last = f"{row}, of which the last record is {records[-1].place}: {have} instead of {want}"
    if have is None and all(states[1:]):  # there was never a moment without it
        verdict.found("lost", last)
    else:
        verdict.found("out_of_order" if have in states else "wrong", last)


def _after(state: State, sent: Sent) -> State:
    """The row after a record."""
    if sent.kind == "delete":
        return None
    after = {} if sent.kind == "put" or state is None else dict(state)
    for name, found in sent.columns.items():
        if found is None:
            after.pop(name, None)
        elif sent.kind != "newest" or name not in after or after[name][0] < sent.version:
            after[name] = sent.version, found
    return after


def _plain(state: State) -> Columns | None:
    return None if state is None else {name: found for name, (_, found) in state.items()}


def _judge_dead_letters(
    verdict: Verdict, records: Sequence[Produced], dead_letters: Iterable[DeadLetter]
) -> None:
    by_place = {record.place: record.sent for record in records}
    found: Counter[Place] = Counter()
    for one in dead_letters:
        found[one.place] += 1
        sent = by_place.get(one.place)
        if sent is None or sent.kind not in ("reject", "refuse"):
            verdict.found("unaccounted", f"a dead letter of {one.place}, which is good")
        elif (one.key, one.value) != (sent.key, sent.value):
            verdict.found("wrong", f"the dead letter of {one.place} has other bytes")
    for place, sent in by_place.items():
        if sent.kind in ("reject", "refuse") and not found[place]:
            verdict.found("unaccounted", f"no dead letter of {place}")
    verdict.duplicates += sum(times - 1 for times in found.values())
