"""Restores the original messages of the dead letters that [replay] selects."""

from __future__ import annotations

import logging
import threading
import time
from itertools import groupby

from connectors.dead_letters.headers import BLOCK, REPLAYS
from connectors.records import Chunk, Message, PlainMessage, readable_headers
from connectors.run.context import Run

log = logging.getLogger("sync.replay")

# The positions of headers in BLOCK.
_TOPIC, _PARTITION, _OFFSET = range(3)
_CODE, _TIMESTAMP, _REPLAYS = -3, -2, -1
_CHECK_INTERVAL = 0.2  # seconds between two checks of the run while the rate is waited for


class Restorer:
    """Makes chunks of original messages out of chunks of dead letters."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._settings = run.settings.replay
        self._left = self._settings.count
        self._next_at = run.clock()  # when the rate allows the next dead letter
        self._lock = threading.Lock()

    def admits(self, message: Message) -> bool:
        """Whether the source may read this dead letter; False when replay.count are read.

        The source asks before it moves its position, so that none is skipped. The dead letter that
        completes replay.count drains the run.
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
        """The original messages of the selected dead letters; the others count as filtered."""
        messages = []
        for message in chunk.messages:
            found = self.restored(message, warn=True)
            if found is not None:
                messages.append(found)
        self._run.counts.add("filtered", len(chunk.messages) - len(messages))
        self._keep_rate(len(messages))
        return [
            Chunk(*topic_partition, list(group), offsets_unique=False)
            for topic_partition, group in groupby(messages, lambda m: (m.topic(), m.partition()))
        ]

    def restored(self, message: Message, warn: bool = False) -> PlainMessage | None:
        """The original message of a dead letter, or None for one that is not selected.

        With `warn` the log says why, where it is not a dead letter or was replayed too often.
        """
        headers = readable_headers(message)
        block = headers[-len(BLOCK) :]
        where = f"topic {message.topic()} partition {message.partition()} offset {message.offset()}"
        if tuple(name for name, _ in block) != BLOCK:
            if warn:
                log.warning("%s is not a dead letter of this software: skipped", where)
            return None
        try:
            texts = [(value or b"").decode() for _, value in block]
            timestamp = int(texts[_TIMESTAMP]) if texts[_TIMESTAMP] else None
            partition, offset, replays = (
                int(texts[index]) for index in (_PARTITION, _OFFSET, _REPLAYS)
            )
        except ValueError:  # any producer may write to the topic
            if warn:
                log.warning("%s has headers that no dead letter has: skipped", where)
            return None
        if not self._settings.takes(texts[_TOPIC], texts[_CODE], timestamp):
            return None
        if replays >= self._settings.max_replays:
            if warn:
                log.warning(
                    "%s: replayed %d times already (replay.max_replays): skipped", where, replays
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

    def _keep_rate(self, number: int) -> None:
        """Wait as replay.rate says after `number` dead letters, or until the run drains."""
        if self._settings.rate is None or not number:
            return
        clock = self._run.clock
        with self._lock:
            begin = self._next_at
            self._next_at = max(begin, clock()) + number / self._settings.rate
        while (wait := begin - clock()) > 0 and self._run.drain_reason is None:
            time.sleep(min(wait, _CHECK_INTERVAL))
            self._run.check()
