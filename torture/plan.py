"""What happens in each cycle, drawn from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["one worker", "two workers", "two processes"]
End = Literal[
    "SIGKILL",
    "SIGKILL at the start",
    "SIGKILL while requests hang",
    "SIGTERM",
    "SIGINT",
    "permission taken away",
]
Event = Literal["nothing", "table store killed", "broker away", "errors of the broker"]

SHAPES: dict[Shape, int] = {"one worker": 65, "two workers": 25, "two processes": 10}
ENDS: dict[End, int] = {
    "SIGKILL": 40,
    "SIGKILL at the start": 7,
    "SIGKILL while requests hang": 13,
    "SIGTERM": 27,
    "SIGINT": 8,
    "permission taken away": 5,
}
EVENTS: dict[Event, int] = {
    "nothing": 67,
    "table store killed": 12,
    "broker away": 9,
    "errors of the broker": 12,
}
"""What is chosen from, each with its weight."""

REQUEST_FAULTS = (
    "http_500",
    "http_502_html",
    "http_503_empty",
    "server_busy",
    "server_unavailable",
    "not_enough_capacity",
    "partition_moving",
    "conflict",
    "table_not_ready",
    "timeout_before_effect",
    "timeout_after_effect",
    "reset_request",
    "reset_response",
    "truncated_body",
    "garbled_body",
    "wrong_response_signature",
)
ROW_FAULTS = (
    "OTSRowOperationConflict",
    "OTSServerBusy",
    "OTSTimeout",
    "OTSPartitionUnavailable",
)
HANG: dict[str, Any] = {"kind": "hang", "api": "BatchWriteRow"}
DENIAL: dict[str, Any] = {"kind": "no_permission", "api": "BatchWriteRow"}


@dataclass(frozen=True)
class Cycle:
    """One start of the flow and its end."""

    shape: Shape
    end: End
    event: Event
    faults: tuple[dict[str, Any], ...]
    snapshot: int
    """Seconds between snapshots."""
    share: float
    """Row changes applied before the end, of as many as were produced in the cycle."""
    delay: float
    """Seconds more before the end, or from the start to it."""


def cycles(seed: int, count: int) -> list[Cycle]:
    """The cycles of a round."""
    chance = random.Random(seed)
    return [_cycle(chance) for _ in range(count)]


def _cycle(chance: random.Random) -> Cycle:
    return Cycle(
        shape=chance.choices([*SHAPES], [*SHAPES.values()])[0],
        end=chance.choices([*ENDS], [*ENDS.values()])[0],
        event=chance.choices([*EVENTS], [*EVENTS.values()])[0],
        faults=tuple(_faults(chance)),
        snapshot=chance.choice((1, 1, 2)),
        share=chance.random() * 1.3,
        delay=chance.random(),
    )


def _faults(chance: random.Random) -> list[dict[str, Any]]:
    def rule(**parts: Any) -> dict[str, Any]:
        seed = chance.randrange(2**31)
        return {"api": "BatchWriteRow", "seed": seed, **parts}

    rules = [
        rule(kind=kind, probability=chance.choice((0.02, 0.1, 0.3)), count=chance.randrange(1, 15))
        for kind in chance.sample(REQUEST_FAULTS, chance.randrange(4))
    ]
    rules += [
        rule(kind="row_error", code=code, probability=0.02, count=chance.randrange(1, 100))
        for code in chance.sample(ROW_FAULTS, chance.randrange(3))
    ]
    if chance.random() < 0.1:
        effect = chance.choice(("before", "after"))
        rules.append(rule(kind="hang", effect=effect, probability=0.2, count=1))
    if chance.random() < 0.1:
        rules.append(rule(kind="slow", delay=0.2, probability=0.2, count=10))
    return rules
