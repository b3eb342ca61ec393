"""Dead letters become the messages again that they were, as far as they are selected."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from itertools import chain, groupby

from connectors.dead_letters.headers import BLOCK, REPLAYS
from connectors.records import (
    Batch,
    Chunk,
    Header,
    Message,
    Original,
    PlainMessage,
    original,
)
from connectors.run.context import Run

log = logging.getLogger("sync.replay")

_TOPIC, _PARTITION, _OFFSET = range(3)
_CODE, _TIMESTAMP, _REPLAYS = -3, -2, -1
_LOOK = 0.2  # seconds between two looks at the state of the run


class Restorer:
    """Makes chunks of the original messages out of chunks of dead letters."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._settings = run.settings.replay
        self._left = self._settings.count
        self._free = time.monotonic()  # when the rate allows the next dead letter
        self._lock = threading.Lock()

    def admits(self, message: Message) -> bool:
        """Whether the source may take this dead letter; not when replay.count are taken.

        It is asked before the position moves, so that a dead letter too many is not passed over.
        """
        with self._lock:
            if self._left == 0:
                return False
            if self._left is not None and self.restored(message) is not None:
                self._left -= 1
                if self._left == 0:
                    self._run.drain("replay.count is reached")
            return True

    def restore(self, chunk: Chunk) -> list[Chunk]:
        """The messages of the dead letters that are selected; the others count as filtered."""
        messages = []
        for message in chunk.messages:
            found = self.restored(message, told=True)
            if found is not None:
                messages.append(found)
        self._run.counts.add("filtered", len(chunk.messages) - len(messages))
        self._pause(len(messages))
        return [
            Chunk(*place, list(group), offsets_unique=False)
            for place, group in groupby(messages, lambda m: (m.topic(), m.partition()))
        ]

    def restored(self, message: Message, told: bool = False) -> PlainMessage | None:
        """The record of a dead letter; None for what is not selected, which may be told."""
        headers: list[Header] = list(message.headers() or ())
        block = headers[-len(BLOCK) :]
        where = f"topic {message.topic()} partition {message.partition()} offset {message.offset()}"
        if tuple(name for name, _ in block) != BLOCK:
            if told:
                log.warning("%s is no dead letter of this software: left alone", where)
            return None
        try:
            texts = [(value or b"").decode() for _, value in block]
            timestamp = int(texts[_TIMESTAMP]) if texts[_TIMESTAMP] else None
            partition, offset, replays = (int(texts[at]) for at in (_PARTITION, _OFFSET, _REPLAYS))
        except ValueError:  # anybody may write to the topic
            if told:
                log.warning("%s has headers that no dead letter has: left alone", where)
            return None
        if not self._settings.takes(texts[_TOPIC], texts[_CODE], timestamp):
            return None
        if replays >= self._settings.max_replays:
            if told:
                log.warning(
                    "%s: replayed %d times already (replay.max_replays): left alone",
                    where,
                    replays,
                )
            return None
        return PlainMessage(
            texts[_TOPIC],
            partition,
            offset,
            timestamp=timestamp,
            key=message.key(),
            value=message.value(),
            headers=[*headers[: -len(BLOCK)], (REPLAYS, str(replays + 1).encode())],
        )

    def _pause(self, number: int) -> None:
        """Wait as the rate says, unless the run is to end."""
        if self._settings.rate is None or not number:
            return
        with self._lock:
            free = self._free
            self._free = max(free, time.monotonic()) + number / self._settings.rate
        while (wait := free - time.monotonic()) > 0 and self._run.drain_reason is None:
            time.sleep(min(wait, _LOOK))
            self._run.check()


def would_send(chunk: Chunk, payload: bool = False) -> Iterator[str]:
    """What a dry run prints of messages on their way back to their topic."""
    for message in chunk.messages:
        kept = original(message) if payload else None
        yield (
            f"would send: topic {chunk.topic} partition {chunk.partition}: the record that was at "
            f"offset {message.offset()}{_shown(kept)}"
        )


def shown(batch: Batch, payload: bool = False) -> Iterator[str]:
    """What a dry run prints of a batch: where each record would go, or why it would not.

    With `payload` also its key and value.
    """
    segments, dead = batch
    for row in chain.from_iterable(segment.rows() for segment in segments):
        yield (
            f"would write: topic {row.topic} partition {row.partition} offset {row.offset} "
            f"to table {row.table} ({len(row.wire)} bytes)"
            f"{_shown(row.original if payload else None)}"
        )
    for dead_letter in dead:
        yield (
            f"would reject: {dead_letter.coordinates}: {dead_letter.stage}, "
            f"{dead_letter.code}: {dead_letter.reason}"
            f"{_shown(dead_letter.original if payload else None)}"
        )


def _shown(kept: Original | None) -> str:
    return "" if kept is None else f" [key {kept[1]!r}, value {kept[2]!r}]"
