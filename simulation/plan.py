"""What a seed means: the records, the faults and the shape of the runs. A plan is data."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

TOPIC = "orders"
CONFIGURATIONS = 4
# Seconds of virtual time: of an epoch, of a request before it is given up.
TIMEOUT = 0.5

REQUEST_FAULTS = (
    "slow",
    "late_answer",
    "lost",
    "lost_answer",
    "reset_before",
    "reset_after",
    "twice",
    "garbled",
    "truncated",
    "busy",
    "error_500",
    "timeout_after",
    "html_502",
    "empty_503",
    "rows_busy",
)
TIMED_FAULTS = (
    "brokers_away",
    "retention",
    "new_partition",
    "table_gone",
    "throttled",
    "denied",
    "clock",
    "transport_error",
)
ENDS = ("crash", "sigterm")
DEAD_LETTER_FAULTS = ("dead_letter_failed", "dead_letter_slow")
ALL_FAULTS = (*REQUEST_FAULTS, *TIMED_FAULTS, *ENDS, *DEAD_LETTER_FAULTS)


class RecordPlan(NamedTuple):
    """A record that will be produced."""

    number: int
    time: float
    partition: int
    key: int
    kind: str
    """put, delete, poison (not JSON), invalid (the service rejects its row) or gap (an offset
    without a record, as a transaction's marker is)."""


class Fault(NamedTuple):
    """Something that goes wrong."""

    kind: str
    at: float
    """Of a request: its number. Of an end: the number of the call. Else: seconds."""
    value: float = 0.0
    """Seconds that it lasts or jumps; of an end: which run it ends."""

    def __str__(self) -> str:
        if self.kind in ENDS:
            return f"{self.kind} of run {self.value:.0f} at its call {self.at:.0f}"
        if self.kind in REQUEST_FAULTS:
            return f"request {self.at:.0f}: {self.kind}"
        if self.kind in DEAD_LETTER_FAULTS:
            return f"dead letter {self.at:.0f}: {self.kind}"
        return f"at {self.at:.3f} s: {self.kind} {self.value:.3f}"


class Plan(NamedTuple):
    """One story."""

    seed: int
    configuration: int
    partitions: int
    workers: tuple[int, ...]
    """The number of processes of each run; the last one holds for all that follow."""
    interval: float
    """Seconds of an epoch."""
    records: tuple[RecordPlan, ...]
    faults: tuple[Fault, ...]
    threads: int = 1
    """Workers of each process."""

    def to_json(self) -> str:
        """A text that `from_json` reads."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan. Raises ValueError."""
        seed, configuration, partitions, workers, interval, records, faults, *rest = json.loads(
            text
        )
        return cls(
            seed,
            configuration,
            partitions,
            tuple(workers),
            interval,
            tuple(RecordPlan(*record) for record in records),
            tuple(Fault(*fault) for fault in faults),
            *rest,
        )


def plan_of(seed: int, records: int) -> Plan:
    """The plan of a seed, with about so many records."""
    chance = random.Random(seed)
    partitions = chance.randint(1, 4)
    configuration = chance.randrange(CONFIGURATIONS)
    span = chance.choice((0.5, 1.5, 4.0))
    keys = chance.choice((1, 3, 12))
    made = []
    for number in range(records):
        time = chance.random() * span if chance.random() < 0.7 else 0.0
        kind = chance.choices(("put", "delete", "poison", "invalid", "gap"), (78, 10, 4, 5, 3))[0]
        made.append(
            RecordPlan(number, time, chance.randrange(partitions + 1), chance.randrange(keys), kind)
        )
    made.sort(key=lambda record: record.time)
    faults = []
    runs = chance.choice((0, 1, 2, 2, 3, 5))
    for run in range(runs):
        kind = "crash" if chance.random() < 0.8 else "sigterm"
        call = int(chance.random() ** 2 * 500) + 1
        faults.append(Fault(kind, call, run))
    faults += [
        Fault(chance.choice(REQUEST_FAULTS), chance.randrange(80))
        for _ in range(chance.choice((0, 2, 5, 12, 30)))
    ]
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        kind = chance.choice(TIMED_FAULTS)
        value = chance.random() * 1.5
        if kind == "clock":
            value = chance.choice((-20.0, -1.0, -0.1, 0.1, 1.0, 3600.0))
        faults.append(Fault(kind, round(chance.random() * span * 1.2, 4), round(value, 4)))
    faults += [
        Fault(chance.choice(DEAD_LETTER_FAULTS), chance.randrange(10))
        for _ in range(chance.choice((0, 1, 3)))
    ]
    return Plan(
        seed,
        configuration,
        partitions,
        tuple(chance.choice((1, 1, 2, 3)) for _ in range(runs + 1)),
        chance.choice((0.02, 0.05, 0.2, 0.5)),
        tuple(made),
        tuple(faults),
        chance.choice((1, 1, 1, 2)),
    )
