"""What the endpoint of one process shows."""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import Protocol

from prometheus_client import REGISTRY, generate_latest

from connectors.http_api import models
from connectors.http_api.history import Sampler
from connectors.http_api.settings_view import settings_in_force
from connectors.run.flow_metrics import installed_version
from connectors.run.health import Judgement, Observed, judge


class Provider(Protocol):
    """Where an endpoint gets what it shows."""

    async def metrics(self) -> str:
        """All metrics in Prometheus's text format."""
        ...

    async def status(self) -> models.Status:
        """The status of the whole run."""
        ...

    async def health(self) -> models.Health:
        """Whether a restart may help when it is not `ok`."""
        ...

    async def ready(self) -> models.Health:
        """Whether records come to their tables."""
        ...

    async def history(self) -> models.History:
        """The measurements of the last half hour."""
        ...

    async def settings(self) -> models.SettingsInForce:
        """The settings in force."""
        ...


class ProcessProvider:
    """What is to be known of the run in this process."""

    def __init__(self, run: Observed) -> None:
        self._run = run
        self._started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.sampler = Sampler(run)

    async def metrics(self) -> str:
        """As `Provider`."""
        return generate_latest(REGISTRY).decode()

    async def status(self) -> models.Status:
        """As `Provider`."""
        return self.present()

    async def health(self) -> models.Health:
        """As `Provider`."""
        found = judge(self._run)
        return models.Health(
            ok=found.healthy, state=state_of(self._run), problems=self._problems(found)
        )

    async def ready(self) -> models.Health:
        """As `Provider`."""
        found = judge(self._run)
        return models.Health(
            ok=found.ready, state=state_of(self._run), problems=self._problems(found)
        )

    async def history(self) -> models.History:
        """As `Provider`."""
        return self.sampler.history()

    async def settings(self) -> models.SettingsInForce:
        """As `Provider`."""
        return settings_in_force(self._run.settings)

    def _problems(self, found: Judgement) -> list[models.Problem]:
        process = self._run.meters.process
        return [models.Problem(**one._asdict(), process=process) for one in found.problems]

    def present(self) -> models.Status:
        """The run as this process sees it now."""
        run, meters = self._run, self._run.meters
        found = judge(run)
        waits = [models.Wait(**wait._asdict()) for wait in run.waits.current()]
        fills = meters.fills
        return models.Status(
            flow=run.flow_id,
            version=installed_version(),
            state=state_of(run),
            healthy=found.healthy,
            ready=found.ready,
            drain_reason=run.drain_reason,
            problems=self._problems(found),
            waits=waits,
            counts=run.counts.account(),
            snapshots=models.Snapshots(
                number=meters.snapshots,
                age_seconds=run.clock() - meters.last_snapshot,
                interval_seconds=meters.snapshot_interval,
            ),
            requests=models.Requests(
                in_flight=meters.in_flight,
                busy_shards=meters.busy_shards,
                waiting_shards=meters.throttled_shards() + run.waits.waiting_for("tablestore"),
                batches=sum(fills.counts),
                fill_sum=fills.sum,
            ),
            partitions=self._partitions(),
            tables=self._tables(),
            rejections=[
                models.Rejection(stage=stage, code=code, destination=destination, number=number)
                for (stage, code, destination), number in sorted(run.counts.reasons().items())
            ],
            last_rejected=run.counts.last_rejected(),
            drift=[models.Drift(**note._asdict()) for note in meters.drift.all()],
            processes=[self._process()],
        )

    def _partitions(self) -> list[models.Partition]:
        run = self._run
        now, unix_now = run.clock(), time.time()
        stalled = run.counts.stalled_partitions()
        return [
            models.Partition(
                topic=one.topic,
                partition=one.partition,
                process=run.meters.process,
                read_offset=one.position,
                durable_offset=one.durable,
                end_offset=one.end,
                lag_records=one.lag_records,
                lag_seconds=one.lag_seconds(now, unix_now),
                is_stalled=f"{one.topic}:{one.partition}" in stalled,
            )
            for one in sorted(run.meters.partitions, key=lambda p: (p.topic, p.partition))
        ]

    def _tables(self) -> list[models.Table]:
        found = []
        for name, meter in sorted(self._run.meters.tables().items()):
            rows: dict[str, int] = {}
            for (outcome, _), number in meter.rows_by_outcome().items():
                rows[outcome] = rows.get(outcome, 0) + number
            found.append(
                models.Table(
                    table=name,
                    rows=rows,
                    bytes=meter.bytes,
                    requests=meter.requests_by_code(),
                    duration_bounds=list(meter.durations.bounds),
                    durations=meter.durations.counts.copy(),
                    seconds=meter.durations.sum,
                )
            )
        return found

    def _process(self) -> models.Process:
        run = self._run
        resident = REGISTRY.get_sample_value("process_resident_memory_bytes")
        return models.Process(
            process=run.meters.process,
            pid=os.getpid(),
            state=state_of(run),
            started=self._started,
            restarts=run.meters.restarts,
            memory=models.Memory(
                prefetch=run.meters.prefetched_bytes(),
                prefetch_limit=int(run.settings.kafka.prefetch_mib * (1 << 20)),
                resident=None if resident is None else int(resident),
            ),
            error="",
        )


def state_of(run: Observed) -> models.State:
    """The state that is reported for a run."""
    if run.failure is not None:
        return "failing"
    if run.drain_reason is not None:
        return "draining"
    if not run.meters.partitions:
        return "starting"
    return "paused" if run.paused else "running"
