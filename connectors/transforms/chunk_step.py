"""A step between decoding and mapping: a function of one record, applied to whole chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.errors import Rejection, raised_at
from connectors.records import DeadLetter, DecodedChunk, Record, RecordChunk
from connectors.transforms.step import Made

Function = Callable[[Record], Iterable[Record]]


class ChunkStep:
    """Replaces each record of a chunk by those that a function returns.

    Where the function raises, the record is dead-lettered with code step_failed, and file and line
    as the reason, or with the code and reason of a Rejection.
    """

    def __init__(
        self,
        step_id: str,
        function: Function,
        keep_original: bool,
        on_done: Callable[[int, int], None],
    ) -> None:
        """`on_done` is called with the numbers of records that were dropped and added."""
        self._step_id = step_id
        self._function = function
        self._keep_original = keep_original
        self._on_done = on_done

    def apply(self, chunk: DecodedChunk) -> RecordChunk:
        """The chunk behind the step."""
        out: list[Record] = []
        dead_letters = list(chunk.dead_letters)
        filtered = added = 0
        for record in chunk.records:
            before = len(out)
            dropped = self._each(record, out, dead_letters)
            if dropped is not None:
                filtered += dropped
                added += len(out) - before + dropped - 1
        self._on_done(filtered, added)
        return RecordChunk(chunk.topic, chunk.partition, out, dead_letters)

    def _each(
        self, record: Record, out: list[Record], dead_letters: list[DeadLetter]
    ) -> int | None:
        """How many records were dropped, be it this one or one made of it; None: it is rejected."""
        try:
            made = self._function(record)
            returned = [*made]
            for item in returned:
                if type(item) is not Record:
                    raise Rejection(
                        "step_failed",
                        f"step {self._step_id!r} returned a {type(item).__name__} instead of a "
                        "Record: use record.with_value(...)",
                    )
            out += returned
            return made.dropped if type(made) is Made else not returned
        except Rejection as rejection:
            dead_letters.append(self._rejected(record, rejection.code, rejection.reason))
        except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
            reason = f"step {self._step_id!r} raised {raised_at(error)}"
            dead_letters.append(self._rejected(record, "step_failed", reason))
        return None

    def _rejected(self, record: Record, code: str, reason: str) -> DeadLetter:
        return DeadLetter.of(record.message, "transform", code, reason, self._keep_original)
