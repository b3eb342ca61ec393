"""Bugs to plant: each is a mistake that the connector could have had, and the checker must find.

Each is a context in which the connector, or the network, has the bug.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from connectors import batching
from connectors.dead_letters.policy import ErrorPolicy
from connectors.kafka.dead_letter_sink import KafkaDeadLetterSink
from connectors.kafka.partition_reader import PartitionReader
from connectors.run.committable_offset import CommittableOffset
from connectors.tablestore import client, requests
from connectors.tablestore.client import Client
from connectors.tablestore.sink import ShardWriter
from connectors.tablestore.verdicts import RequestFailed, Retry, Written, judge
from simulation import service

Bug = Callable[[], AbstractContextManager[object]]


def _judged_written(module: Any, *codes: str) -> AbstractContextManager[object]:
    """Take some failures for success."""

    def wrong(status: int, code: str, message: str) -> object:
        return Written() if code in codes else judge(status, code, message)

    return patch.object(module, "judge", wrong)


def lost_row() -> AbstractContextManager[object]:
    """A throttled row of a batch counts as written."""
    return _judged_written(requests, "OTSNotEnoughCapacityUnit")


def rejected_row_counts_as_written() -> AbstractContextManager[object]:
    """A row that the service rejects counts as written."""
    return _judged_written(requests, "OTSParameterInvalid")


def missing_table_counts_as_written() -> AbstractContextManager[object]:
    """Rows for a table that has vanished count as written."""
    return _judged_written(client, "OTSObjectNotExist")


def timeout_counts_as_written() -> AbstractContextManager[object]:
    """A request without an answer counts as written."""
    written: Any = Written()
    return patch.object(Client, "transport_failed", lambda *_: RequestFailed(written))


def untrusted_answer_counts() -> AbstractContextManager[object]:
    """A failure of the service is taken for success when its answer cannot be read."""
    original = Client.request_failed

    def wrong(self: Client, error: Any) -> RequestFailed:
        failed = original(self, error)
        written: Any = Written()
        is_untrusted = isinstance(failed.verdict, Retry) and "untrusted" in failed.verdict.reason
        return RequestFailed(written) if is_untrusted or not failed.code else failed

    return patch.object(Client, "request_failed", wrong)


def swapped_order() -> AbstractContextManager[object]:
    """A batch has its segments in reverse order."""
    original = batching.take_front

    def wrong(*arguments: Any) -> list[Any]:
        return original(*arguments)[::-1]

    return patch.object(batching, "take_front", wrong)


def shard_does_not_wait() -> AbstractContextManager[object]:
    """A shard sends its batches without waiting for the one before."""

    async def wrong(self: Any) -> None:
        async def one(batch: Any) -> None:
            segments, dead_letters = batch
            if segments:
                await self._writer.write(segments, self._outcomes, self._only_missing)
            if dead_letters:
                await self._policy.handle(dead_letters, self._counts)
            self._batches.remove(batch)
            self._changed.notify_all()

        try:
            while self._batches:
                await asyncio.gather(*map(one, [*self._batches]))
        except Exception as error:  # noqa: BLE001 - as the real one
            self._run.fail(error)
        self._busy = False
        self._changed.notify_all()

    return patch.object(ShardWriter, "_work", wrong)


def snapshot_does_not_wait() -> AbstractContextManager[object]:
    """The sink's snapshot returns while rows are in flight."""
    return patch.object(ShardWriter, "snapshot", lambda self: self._counts.snapshot())


def offset_stored_too_early() -> AbstractContextManager[object]:
    """The offset of messages that were fetched and not passed on yet is stored."""
    original = PartitionReader.snapshot

    def wrong(self: Any) -> int:
        offset = original(self)
        fetched = self._source[0]._fetched if self._source else ()
        offsets = [m.offset() + 1 for messages, _ in fetched for m in messages if not m.error()]
        return int(max([offset, *offsets]))

    return patch.object(PartitionReader, "snapshot", wrong)


def batcher_forgets() -> AbstractContextManager[object]:
    """A batcher is resumed without its rows."""
    original = batching.Batcher.__init__

    def wrong(self: Any, settings: Any, resumed: Any, *rest: Any, **named: Any) -> None:
        original(self, settings, None if resumed is None else [], *rest, **named)

    return patch.object(batching.Batcher, "__init__", wrong)


def batcher_is_called_late() -> AbstractContextManager[object]:
    """A resumed batcher is called only when its rows are old enough."""
    original = batching.Batcher.__init__

    def wrong(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        self._due = self._due_from_now() if self._segments else None

    return patch.object(batching.Batcher, "__init__", wrong)


def committed_too_early() -> AbstractContextManager[object]:
    """The group's offset is that of the last snapshot, whatever waits in batchers."""

    def wrong(self: Any) -> int | None:
        offset: int | None = self._waiting.pop()[-1] if self._waiting else None
        return offset

    return patch.object(CommittableOffset, "due", wrong)


def doubled_dead_letter() -> AbstractContextManager[object]:
    """A dead letter is sent twice."""
    original = KafkaDeadLetterSink.send

    async def wrong(self: Any, dead_letters: Any) -> None:
        await original(self, dead_letters)
        await original(self, dead_letters[:1])

    return patch.object(KafkaDeadLetterSink, "send", wrong)


def dead_letter_is_not_sent() -> AbstractContextManager[object]:
    """Records that cannot be decoded are counted and go nowhere."""
    original = ErrorPolicy.handle

    async def wrong(self: Any, dead_letters: Any, counts: Any = None) -> None:
        rest = [each for each in dead_letters if each.stage != "decode"]
        if rest:
            await original(self, rest, counts)
        dropped = len(dead_letters) - len(rest)
        self._run.counts.add("rejected", dropped, counts)

    return patch.object(ErrorPolicy, "handle", wrong)


@contextmanager
def late_twin() -> Iterator[None]:
    """The network delivers a request a second time after its answer: newer rows are replaced."""
    original = service._Exchange._arrive

    def wrong(self: Any) -> None:
        if self._fault == "twice":
            self._fault = None
            later = self._service.timeline.now + 0.2
            self._service.timeline.at(later, self._service.write, self._run, self._body)
        original(self)

    with patch.object(service._Exchange, "_arrive", wrong):
        yield


BUGS: dict[str, Bug] = {
    bug.__name__: bug
    for bug in (
        lost_row,
        rejected_row_counts_as_written,
        missing_table_counts_as_written,
        timeout_counts_as_written,
        untrusted_answer_counts,
        swapped_order,
        shard_does_not_wait,
        snapshot_does_not_wait,
        offset_stored_too_early,
        batcher_forgets,
        batcher_is_called_late,
        committed_too_early,
        doubled_dead_letter,
        dead_letter_is_not_sent,
        late_twin,
    )
}
