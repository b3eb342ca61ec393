"""The cases of throttled tables, and what one of them shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One throttled run. Times are in seconds, rates in rows a second."""

    name: str
    limit: float
    seconds: float
    limits: dict[str, Any]
    """Of the table `limited`, as the local Tablestore takes them."""
    latency_ms: float = 0.0
    free_topic: bool = False
    """A second topic, whose table has no limit."""
    hot_share: float = 0.0
    """Records of one partition key, of all."""
    before: float = 0.0
    """Time without a limit before it."""
    after: float = 0.0
    """Time without a limit after it."""


CASES = (
    Case("200 rows/s", 200, 30, {"write": 200}),
    Case("200 rows/s, 20 ms", 200, 30, {"write": 200}, latency_ms=20),
    Case("5,000 rows/s", 5000, 20, {"write": 5000}),
    Case("2,000 rows/s, no burst", 2000, 20, {"write": 2000, "burst": 0.05}),
    Case("one of two tables", 500, 20, {"write": 500}, free_topic=True),
    Case("hot partition key", 300, 20, {"partition_key": 300}, hot_share=0.5),
    Case("500 rows/s, lifted", 500, 12, {"write": 500}, before=8, after=15),
)
LIMITED = "limited"


@dataclass
class Result:
    """What one case has shown. Rates are in rows a second."""

    case: str
    limit: float
    written: float
    """Rows written a second, from two seconds after the limit was set."""
    goodput: float
    """The same, of the limit."""
    refused: float
    """Share of the rows sent that were refused, from two seconds after the limit was set."""
    refused_at_first: int
    """Rows refused in the two seconds before."""
    in_order: bool
    """Whether every key ended at its last record."""
    free: float = 0.0
    """Rows written a second before the limit, or to the table that has none."""
    back_after: float = 0.0
    """Seconds from the end of the limit to 90 % of the rate before it."""
    longest_queue: float = 0.0
    """Seconds of work that waited at the service, at most, after the first ten seconds."""
