"""The JSON of /status, /health, /ready and /history. docs/status.schema.json is made of it.

Fields are added in later releases, and none is removed or changes its meaning. No field holds a
value of a record, or a secret.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["starting", "running", "paused", "draining", "failing", "unreachable"]


class _Model(BaseModel):
    # A page or a tool of an earlier release reads what a later one sends.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(_Model):
    """One thing that is not as it should be; docs/operations.md has the rules."""

    rule: str
    subject: str = Field(description="Such as a table or a partition; empty for the run.")
    text: str
    seconds: float = Field(description="Since when, as far as it is known.")
    fails_health: bool
    fails_ready: bool
    process: int | None = Field(description="The process that says so.")


class Health(_Model):
    """The answer of /health and /ready: HTTP 200 when `ok`, else 503."""

    ok: bool
    state: State
    problems: list[Problem] = Field(description="All that are known, those that fail nothing too.")


class Wait(_Model):
    """Something that the run waits for, such as a throttled table, and for how long."""

    service: str = Field(description="tablestore, registry or kafka.")
    subject: str = Field(description="Such as a table; empty for the service as a whole.")
    code: str = Field(description="The service's own code, if it has one.")
    reason: str
    seconds: float
    waiting: int = Field(description="How many operations wait at this moment.")


class Snapshots(_Model):
    """Bytewax's snapshots that are durable."""

    number: int = Field(description="Of several processes, that of the slowest.")
    age_seconds: float = Field(description="Since the last one, or the start; the highest.")
    interval_seconds: float


class Requests(_Model):
    """The requests that are in flight to Tablestore."""

    in_flight: int
    busy_shards: int
    waiting_shards: int = Field(description="Shards whose batch waits to be sent again.")
    batches: int
    fill_sum: float = Field(description="Sum of how full each batch was, from 0 to 1.")


class Partition(_Model):
    """A partition. An offset is the one of the next record."""

    topic: str
    partition: int
    process: int
    read_offset: int
    durable_offset: int = Field(description="Where the next run goes on after a crash now.")
    end_offset: int | None = Field(description="As the brokers have said last.")
    lag_records: int | None = Field(description="From the durable offset to the end.")
    lag_seconds: float | None = Field(description="Age of the oldest record not yet durable.")
    is_stalled: bool


class Table(_Model):
    """What was sent to a table since the start."""

    table: str
    rows: dict[str, int] = Field(description="By outcome: written, retried, rejected, stopped.")
    bytes: int = Field(description="Of encoded rows, repeated tries included.")
    requests: dict[str, int] = Field(description="By the service's code; OK is one of them.")
    duration_bounds: list[float] = Field(description="Upper bounds of durations in seconds.")
    durations: list[int] = Field(description="Requests up to each bound, and above the last.")
    seconds: float = Field(description="Sum of all durations.")


class Rejection(_Model):
    """How many records were rejected for one reason."""

    stage: str
    code: str
    destination: str
    number: int


class Drift(_Model):
    """A field of a topic that has appeared, vanished or changed its type since the start."""

    topic: str
    field: str
    kind: str = Field(description="new, gone or type.")
    text: str = Field(description="What was noticed, without a value of a record.")


class Memory(_Model):
    """The memory that the run uses, in bytes."""

    prefetch: int = Field(description="Messages that wait to be decoded.")
    prefetch_limit: int
    resident: int | None


class Process(_Model):
    """A process of the run."""

    process: int
    pid: int | None
    state: State
    started: str | None = Field(description="Time in ISO 8601.")
    restarts: int
    memory: Memory | None
    error: str = Field(description="Why it does not answer; empty when it does.")


class Status(_Model):
    """A run, as one of its processes or all of them see it."""

    flow: str
    version: str
    state: State
    healthy: bool
    ready: bool
    drain_reason: str | None
    problems: list[Problem]
    waits: list[Wait]
    counts: dict[str, int] = Field(description="The account: read, written and so on.")
    snapshots: Snapshots
    requests: Requests
    partitions: list[Partition]
    tables: list[Table]
    rejections: list[Rejection]
    last_rejected: list[str] = Field(description="Coordinates and reason of the last ten.")
    drift: list[Drift] = Field(description="Each difference once; the first 200.")
    processes: list[Process]


class Point(_Model):
    """The counts at one moment; those that grow begin at 0 with the process."""

    time: float = Field(description="Seconds since 1970, a multiple of the interval.")
    read: int
    written: int
    rejected: int
    retried: int
    bytes: int
    lag_records: int | None
    lag_seconds: float | None


class History(_Model):
    """The points of the last half hour, one for each interval."""

    interval_seconds: float
    points: list[Point] = Field(description="The oldest first.")


class SettingsInForce(_Model):
    """All options by their dotted names. Secrets are masked."""

    options: dict[str, object]
    changed: list[str] = Field(description="Those that have not their default.")
