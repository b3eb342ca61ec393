"""What came of a seed: the verdict, the faults that had an effect, the trace."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from simulation.checker import Verdict
from simulation.plan import Plan


@dataclass
class Outcome:
    """What came of a seed."""

    plan: Plan
    verdict: Verdict
    runs: int = 0
    crashes: int = 0
    calls: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    trace: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Equal for equal traces."""
        text = "\n".join(map(repr, self.trace))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
