"""Tries many inputs of each kind, and keeps what no input may raise."""

from __future__ import annotations

import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import configurations, registry_answers, service_answers

_MAX_KEPT = 20
# How many of a hundred inputs.
SHARES = {"configurations": 20, "registry": 40, "service": 40}


class Failure(NamedTuple):
    """An input that ended in another way than by an ordered stop."""

    kind: str
    seed: int
    text: str


class Report(NamedTuple):
    """What became of the inputs."""

    outcomes: Counter[str]
    failures: list[Failure]


def attempt_of(kind: str, seed: int, folder: Path) -> Callable[[], str]:
    """The function that tries the inputs of a kind that belong to a seed, one after the other."""
    random_ = random.Random(f"{kind} {seed}")
    if kind == "configurations":
        return configurations.attempts(random_, folder)
    if kind == "registry":
        return registry_answers.attempts(random_)
    return service_answers.attempts(random_)


def run(
    kind: str, number: int, seed: int, on_progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Try `number` inputs of a kind. Raises nothing."""
    failures: list[Failure] = []
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        attempt = attempt_of(kind, seed, Path(folder))
        for at in range(number):
            try:
                outcomes[attempt()] += 1
            except Exception:  # noqa: BLE001 - that is what is looked for
                failures.append(Failure(kind, seed, f"input {at}\n{traceback.format_exc()}"))
                if len(failures) == _MAX_KEPT:
                    break
            if at % 1000 == 999:
                on_progress(at + 1)
    return Report(outcomes, failures)
