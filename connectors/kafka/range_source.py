"""Reads a bounded range of topics once: between two times or offsets, at a rate."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta, timezone

from confluent_kafka import TopicPartition

from connectors.errors import StopRun
from connectors.kafka.bounded_reader import BoundedReader
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import partition_key, topic_partition_of
from connectors.kafka.offset_lookup import EARLIEST, LATEST, offsets_at
from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.partition_reader import PartitionQueue, PartitionReader
from connectors.kafka.progress import Progress
from connectors.kafka.source import KafkaSource
from connectors.records import Chunk
from connectors.run.context import Run

log = logging.getLogger("sync.backfill")

_REPORT_SECONDS = 10.0
_MAX_PAUSE = 1.0  # seconds between two looks at a run that may drain meanwhile


class KafkaRangeSource(KafkaSource):
    """Reads what [backfill] selects. The run drains when every partition was read to its end.

    Beginnings and ends are noted in the recovery folder when they are first found, so that a
    backfill that was stopped goes on to the same ends.
    """

    def __init__(self, run: Run, clients: KafkaClients | None = None) -> None:
        super().__init__(
            run,
            clients,
            watch=lambda *_: None,  # what comes later is the flow's
            progress=Progress(run, ends_when_read=True),
            topics_option="backfill.topics",
        )
        self._range = run.settings.backfill
        self._pace = Pace(run, self._range.rate)
        self._ends: dict[str, int] | None = None

    def list_parts(self) -> list[str]:
        """As of any source. Raises StopRun for a partition that does not exist too."""
        found = super().list_parts()
        wanted = self._range.partition
        if wanted is not None and not any(map(self._is_wanted, self._existing)):
            raise StopRun(
                f"backfill: there is no partition {wanted}\n  remedy: correct backfill.partition "
                "(--partition)"
            )
        if self._ends is None:
            self._find_ends()
        return found

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> PartitionReader:
        """The reader of one partition; of one that is not selected, one that ends at once."""
        if self._is_wanted(for_part):
            return super().build_part(step_id, for_part, resume_state)
        self._progress.read_to_end(for_part)
        start = TopicPartition(*topic_partition_of(for_part), resume_state or 0)
        return super()._reader(start, None, resumed=False)

    def _is_wanted(self, key: str) -> bool:
        return self._range.partition in (None, topic_partition_of(key)[1])

    def _reader(
        self,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors] | None,
        resumed: bool,
    ) -> PartitionReader:
        if source is None or self._ends is None:
            return super()._reader(start, source, resumed)
        end = self._ends[partition_key(start.topic, start.partition)]
        self._pace.expect(max(0, end - start.offset))
        return _RangeReader(self._run, start, source, self._progress, resumed, end, self._pace)

    def _find_ends(self) -> None:
        """Where each partition begins and ends. Raises StopRun when the brokers do not answer."""
        recovery, selected = self._run.recovery, self._range
        if recovery is None:
            raise StopRun("backfill: it needs a recovery folder\n  remedy: name one with -r")
        settings = self._run.settings.kafka
        keys = sorted(filter(self._is_wanted, self._existing))
        partitions = [TopicPartition(*topic_partition_of(key)) for key in keys]
        client = self._clients.consumer(settings, ClientErrors())
        try:
            latest = offsets_at(settings, client, partitions, LATEST)
            ends = dict(latest)
            if selected.until is not None:
                found = offsets_at(settings, client, partitions, selected.until_ms)
                ends |= {key: offset for key, offset in found.items() if offset >= 0}
            if selected.last_offset is not None:
                ends = {key: min(end, selected.last_offset + 1) for key, end in ends.items()}
            if selected.first_offset is not None:
                first = offsets_at(settings, client, partitions, EARLIEST)
                starts = {key: max(low, selected.first_offset) for key, low in first.items()}
                recovery.remember_starts(starts)
        finally:
            client.close()
        self._ends = recovery.remember_ends(ends)


class Pace:
    """How fast the partitions of a process read together, and how far they have come."""

    def __init__(self, run: Run, rate: float | None) -> None:
        """`rate` is in records a second; None: as fast as it goes."""
        self._clock = run.clock
        self._rate = rate
        self._begin = self._next_report = run.clock()
        self._next_at = self._begin
        self._done = self._expected = 0
        self._lock = threading.Lock()

    def expect(self, number: int) -> None:
        """Add a number of offsets to those that are still to be read."""
        with self._lock:
            self._expected += number

    def wait(self) -> float:
        """Seconds until the rate allows the next records."""
        return 0.0 if self._rate is None else self._next_at - self._clock()

    def read(self, number: int) -> None:
        """Note that `number` records were read, for the rate and the progress report."""
        now = self._clock()
        with self._lock:
            self._done += number
            if self._rate is not None:
                self._next_at = max(self._next_at, now) + number / self._rate
            if now < self._next_report:
                return
            self._next_report = now + _REPORT_SECONDS
            done, expected, seconds = self._done, self._expected, now - self._begin
        if seconds > 0:
            speed = done / seconds
            left = max(0, expected - done) / speed if speed else 0
            log.info(
                "%d of about %d records read, %.0f a second, about %.0f s left",
                done,
                expected,
                speed,
                left,
            )


class _RangeReader(BoundedReader):
    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors],
        progress: Progress,
        resumed: bool,
        end: int,
        pace: Pace,
    ) -> None:
        super().__init__(run, start, source, progress, resumed, end)
        self._pace = pace

    def next_batch(self) -> list[Chunk]:
        """As `BoundedReader`, no faster than the pace."""
        wait = self._pace.wait() if self._next < self._end else 0.0
        if wait > 0 and self._run.drain_reason is None and self._run.failure is None:
            pause = timedelta(seconds=min(wait, _MAX_PAUSE))
            self._awake = datetime.now(timezone.utc) + pause
            return []
        chunks = super().next_batch()
        if chunks:
            self._pace.read(sum(len(chunk.messages) for chunk in chunks))
        return chunks
