"""Whether a run makes progress: the rules of /health and /ready.

docs/operations.md has the same table. /health is what a supervisor restarts by, so it fails only
where a restart may help; /ready fails for whatever keeps records from their tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from connectors.run.accounting import Counts
from connectors.run.meters import Meters
from connectors.run.waits import Waits
from connectors.settings import Settings

# A rule's name, what it fails, and when.
RULES: dict[str, tuple[str, str]] = {
    "failed": (
        "/health, /ready",
        "Something failed in the background: the run is about to end with its reason.",
    ),
    "snapshot_late": (
        "/health, /ready",
        (
            "No snapshot has become durable for `http.snapshot_limit` seconds (at least three "
            "intervals of `-s`). While something is waited for, only /ready fails."
        ),
    ),
    "starting": ("/ready", "No partition is assigned yet."),
    "draining": ("/ready", "The run drains: it reads no more."),
    "paused": ("/ready", "An operator has paused the run: it reads nothing until `resume`."),
    "waiting": (
        "/ready",
        (
            "A table (throttled, busy or away), a Schema Registry or the brokers have been waited "
            "for longer than `http.wait_limit`. Before that it is listed, and nothing fails."
        ),
    ),
    "partition_stalled": (
        "/ready",
        (
            "Nothing is read of a partition for `kafka.stalled_after` seconds though the brokers "
            "have more; or its durable offset has been the same for that long (at least three "
            "intervals of `-s`) while nothing is waited for."
        ),
    ),
    "topic_waiting": (
        "neither",
        "A topic is not read, as its table does not exist or has an illegal name.",
    ),
}


class Observed(Protocol):
    """The facts about a run from which its health is judged."""

    flow_id: str
    settings: Settings
    counts: Counts
    meters: Meters
    waits: Waits
    clock: Callable[[], float]
    paused: bool

    @property
    def failure(self) -> BaseException | None:
        """What failed in the background first."""
        ...

    @property
    def drain_reason(self) -> str | None:
        """Why the run drains; None while it does not."""
        ...


class Problem(NamedTuple):
    """One thing that is not as it should be."""

    rule: str
    subject: str
    """Such as a table or a partition; empty for the run as a whole."""
    text: str
    seconds: float
    """Since when, as far as it is known."""
    fails_health: bool
    fails_ready: bool


class Judgement(NamedTuple):
    """The verdicts of /health and /ready on a run."""

    problems: list[Problem]

    @property
    def healthy(self) -> bool:
        """Whether /health answers 200."""
        return not any(problem.fails_health for problem in self.problems)

    @property
    def ready(self) -> bool:
        """Whether /ready answers 200."""
        return not any(problem.fails_ready for problem in self.problems)


def judge(run: Observed) -> Judgement:
    """Apply every rule now."""
    return Judgement([*_of_run(run), *_of_snapshots(run), *_waits(run), *_partitions(run)])


def _of_run(run: Observed) -> Iterator[Problem]:
    if run.failure is not None:
        yield Problem("failed", "", "the run fails, and ends: see its log", 0.0, True, True)
    if run.drain_reason is not None:
        yield Problem("draining", "", f"draining: {run.drain_reason}", 0.0, False, True)
    elif not run.meters.partitions:
        seconds = run.clock() - run.meters.started
        yield Problem("starting", "", "no partition is assigned yet", seconds, False, True)
    elif run.paused:
        text = "paused by a command: nothing is read until `resume`"
        yield Problem("paused", "", text, 0.0, False, True)


def _of_snapshots(run: Observed) -> Iterator[Problem]:
    meters, now = run.meters, run.clock()
    if run.drain_reason is not None or meters.reading_since is None:
        return
    seconds = now - max(meters.last_snapshot, meters.reading_since)
    limit = max(run.settings.http.snapshot_limit, 3 * meters.snapshot_interval)
    if seconds > limit:
        text = f"no snapshot has become durable for {seconds:.0f} s"
        waits = bool(run.waits.current())
        yield Problem("snapshot_late", "", text, seconds, not waits, True)


def _waits(run: Observed) -> Iterator[Problem]:
    for wait in run.waits.current():
        what = f"{wait.service} {wait.subject}".strip()
        fails = wait.seconds >= run.settings.http.wait_limit
        yield Problem("waiting", what, wait.reason, wait.seconds, False, fails)


def _partitions(run: Observed) -> Iterator[Problem]:
    meters, now = run.meters, run.clock()
    stalled = run.counts.stalled_partitions()
    after = run.settings.kafka.stalled_after
    limit = max(after, 3 * meters.snapshot_interval)
    idle = run.drain_reason is not None or run.paused or bool(run.waits.current())
    for one in meters.partitions:
        name = f"{one.topic}:{one.partition}"
        seconds = now - one.progress_at
        if name in stalled and not run.paused:
            text = "nothing is read though the brokers have more"
        elif not idle and one.lag_records and seconds > limit:
            text = f"its durable offset has been the same for {seconds:.0f} s"
        else:
            continue
        yield Problem("partition_stalled", name, text, seconds, False, True)
    for topic, reason in meters.waiting_topics.items():
        yield Problem("topic_waiting", topic, reason, 0.0, False, False)
