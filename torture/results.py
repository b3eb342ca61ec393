"""The results of rounds in a file, so that a long torture is run piece by piece; and the table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torture.cycle_round import Result

_WRONG = ("lost", "wrong", "out_of_order", "unaccounted")


class Results:
    """Lines of JSON, one for each round; `commit` is noted with each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "results.jsonl"

    def read(self) -> list[dict[str, Any]]:
        """All rounds so far."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]

    def add(self, result: Result, commit: str) -> None:
        """Note a round that has ended."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = {"commit": commit, **result.as_json()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def status(rounds: Iterable[dict[str, Any]]) -> str:
    """FAIL if a round failed, else UNKNOWN if one proves nothing, else PASS."""
    found = {one["verdict"]["status"] for one in rounds}
    return next((each for each in ("FAIL", "UNKNOWN", "PASS") if each in found), "UNKNOWN")


def table(rounds: list[dict[str, Any]]) -> str:
    """The table of docs/guarantees.md, and what happened."""
    kinds: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    for one in rounds:
        kinds.update(one["verdict"]["kinds"])
        happened.update(one["happened"])
        fired.update(one["fired"])
    records = sum(one["verdict"]["records"] for one in rounds)
    duplicates = sum(one["verdict"]["duplicates"] for one in rounds)
    cycles = sum(one["cycles"] for one in rounds)
    counts = [cycles, records, *(kinds[kind] for kind in _WRONG), duplicates]
    names = ["cycles", "records", "lost", "wrong", "out of order", "unaccounted", "duplicates"]
    lines = [
        f"| {' | '.join(names)} |",
        "|" + "---|" * len(names),
        f"| {' | '.join(f'{number:,}' for number in counts)} |",
        "",
        _listed("What happened", happened),
        _listed("Faults of the table store", fired),
    ]
    other = {kind: number for kind, number in kinds.items() if kind not in _WRONG}
    lines += [_listed("Also found", Counter(other))] if other else []
    for one in rounds:
        if one["verdict"]["status"] != "PASS":
            findings = "\n  ".join(one["verdict"]["findings"])
            lines.append(f"{one['verdict']['status']} in round {one['number']}:\n  {findings}")
    return "\n".join([*lines, status(rounds)])


def _listed(title: str, counts: Counter[str]) -> str:
    named = ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()))
    return f"{title}: {named or 'nothing'}."
