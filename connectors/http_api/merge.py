"""What several processes say of one run, as one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from connectors.http_api.models import (
    Health,
    History,
    Point,
    Problem,
    Process,
    Rejection,
    Requests,
    Snapshots,
    State,
    Status,
    Table,
    Wait,
)

# The state of a run is the first of these that one of its processes has.
_WORST: tuple[State, ...] = ("failing", "unreachable", "draining", "starting", "paused", "running")


def merge_status(found: Mapping[int, Status | str]) -> Status:
    """The whole run, by number of the process. A `str` says why a process does not answer."""
    known = {number: one for number, one in sorted(found.items()) if isinstance(one, Status)}
    some = [*known.values()]
    missing = {number: why for number, why in sorted(found.items()) if isinstance(why, str)}
    processes = [process for one in some for process in one.processes]
    processes += [_unreachable(number, why) for number, why in missing.items()]
    counts: Counter[str] = Counter()
    for one in some:
        counts.update(one.counts)
    return Status(
        flow=some[0].flow if some else "",
        version=some[0].version if some else "",
        state=_worst(process.state for process in processes),
        healthy=not missing and bool(some) and all(one.healthy for one in some),
        ready=not missing and bool(some) and all(one.ready for one in some),
        drain_reason=next((one.drain_reason for one in some if one.drain_reason), None),
        problems=[*(p for one in some for p in one.problems), *_problems(missing)],
        waits=_waits(some),
        counts={**counts},
        snapshots=Snapshots(
            number=min((one.snapshots.number for one in some), default=0),
            age_seconds=max((one.snapshots.age_seconds for one in some), default=0.0),
            interval_seconds=max((one.snapshots.interval_seconds for one in some), default=0.0),
        ),
        requests=Requests(
            in_flight=sum(one.requests.in_flight for one in some),
            busy_shards=sum(one.requests.busy_shards for one in some),
            waiting_shards=sum(one.requests.waiting_shards for one in some),
            batches=sum(one.requests.batches for one in some),
            fill_sum=sum(one.requests.fill_sum for one in some),
        ),
        partitions=sorted(
            (partition for one in some for partition in one.partitions),
            key=lambda partition: (partition.topic, partition.partition),
        ),
        tables=_tables(some),
        rejections=_rejections(some),
        last_rejected=[text for one in some for text in one.last_rejected],
        drift=[*dict.fromkeys(note for one in some for note in one.drift)],
        processes=sorted(processes, key=lambda process: process.process),
    )


def merge_health(
    found: Mapping[int, Health | str], fails: Literal["fails_health", "fails_ready"]
) -> Health:
    """Whether all processes are well; one that does not answer is not. None at all are not."""
    known = [one for one in found.values() if isinstance(one, Health)]
    missing = {number: why for number, why in sorted(found.items()) if isinstance(why, str)}
    problems = [*(problem for one in known for problem in one.problems), *_problems(missing)]
    if not found:
        problems = [*_problems({-1: "no process runs"})]
    ok = bool(found) and not missing and all(one.ok for one in known)
    states: list[State] = [one.state for one in known]
    states += ["unreachable" for _ in missing]
    return Health(
        ok=ok and not any(getattr(problem, fails) for problem in problems),
        state=_worst(states),
        problems=problems,
    )


def merge_history(found: Sequence[History]) -> History:
    """The sums of the points of the same time; of the lag in seconds, the highest."""
    points: dict[float, list[Point]] = defaultdict(list)
    for one in found:
        for point in one.points:
            points[point.time].append(point)
    return History(
        interval_seconds=found[0].interval_seconds if found else 5.0,
        points=[_sum(time, points[time]) for time in sorted(points)],
    )


def _sum(time: float, points: Sequence[Point]) -> Point:
    lags = [point.lag_records for point in points if point.lag_records is not None]
    ages = [point.lag_seconds for point in points if point.lag_seconds is not None]
    return Point(
        time=time,
        read=sum(point.read for point in points),
        written=sum(point.written for point in points),
        rejected=sum(point.rejected for point in points),
        retried=sum(point.retried for point in points),
        bytes=sum(point.bytes for point in points),
        lag_records=sum(lags) if lags else None,
        lag_seconds=max(ages, default=None),
    )


def _worst(states: Iterable[State]) -> State:
    found = {*states}
    return next((state for state in _WORST if state in found), "unreachable")


def _problems(missing: Mapping[int, str]) -> Iterable[Problem]:
    for number, why in missing.items():
        yield Problem(
            rule="unreachable",
            subject="" if number < 0 else f"process {number}",
            text=why,
            seconds=0.0,
            fails_health=True,
            fails_ready=True,
            process=None if number < 0 else number,
        )


def _unreachable(number: int, why: str) -> Process:
    return Process(
        process=number,
        pid=None,
        state="unreachable",
        started=None,
        restarts=0,
        memory=None,
        error=why,
    )


def _waits(found: Sequence[Status]) -> list[Wait]:
    merged: dict[tuple[str, str], Wait] = {}
    for one in found:
        for wait in one.waits:
            known = merged.get((wait.service, wait.subject))
            if known is not None:
                first_one = max(known, wait, key=lambda each: each.seconds)
                wait = first_one.model_copy(update={"waiting": known.waiting + wait.waiting})
            merged[wait.service, wait.subject] = wait
    return sorted(merged.values(), key=lambda wait: -wait.seconds)


def _tables(found: Sequence[Status]) -> list[Table]:
    merged: dict[str, Table] = {}
    for one in found:
        for table in one.tables:
            known = merged.get(table.table)
            merged[table.table] = table if known is None else _both(known, table)
    return [merged[name] for name in sorted(merged)]


def _both(one: Table, other: Table) -> Table:
    return Table(
        table=one.table,
        rows={**Counter(one.rows) + Counter(other.rows)},
        bytes=one.bytes + other.bytes,
        requests={**Counter(one.requests) + Counter(other.requests)},
        duration_bounds=one.duration_bounds,
        durations=[a + b for a, b in zip(one.durations, other.durations, strict=True)]
        if one.duration_bounds == other.duration_bounds
        else one.durations,
        seconds=one.seconds + other.seconds,
    )


def _rejections(found: Sequence[Status]) -> list[Rejection]:
    numbers: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        for each in one.rejections:
            numbers[each.stage, each.code, each.destination] += each.number
    return [
        Rejection(stage=stage, code=code, destination=destination, number=number)
        for (stage, code, destination), number in sorted(numbers.items())
    ]
