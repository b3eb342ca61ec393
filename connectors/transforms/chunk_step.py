"""A step between decoding and mapping: a function of one record, applied to whole chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.errors import Rejection, raised_at
from connectors.records import DeadLetter, DecodedChunk, Record, RecordChunk

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
        on_filtered: Callable[[int], None],
    ) -> None:
        """`on_filtered` is called with the number of records that became none."""
        self._step_id = step_id
        self._function = function
        self._keep_original = keep_original
        self._on_filtered = on_filtered

    def apply(self, chunk: DecodedChunk) -> RecordChunk:
        """The chunk behind the step."""
        out: list[Record] = []
        dead_letters = list(chunk.dead_letters)
        for record in chunk.records:
            self._each(record, out, dead_letters)
        rejected = len(dead_letters) - len(chunk.dead_letters)
        self._on_filtered(len(chunk.records) - rejected - len(out))
        return RecordChunk(chunk.topic, chunk.partition, out, dead_letters)

    def _each(self, record: Record, out: list[Record], dead_letters: list[DeadLetter]) -> None:
        try:
            returned = [*self._function(record)]
            for item in returned:
                if type(item) is not Record:
                    raise Rejection(
                        "step_failed",
                        f"step {self._step_id!r} returned a {type(item).__name__} instead of a "
                        "Record: use record.with_value(...)",
                    )
            out += returned
        except Rejection as rejection:
            dead_letters.append(self._rejected(record, rejection.code, rejection.reason))
        except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
            reason = f"step {self._step_id!r} raised {raised_at(error)}"
            dead_letters.append(self._rejected(record, "step_failed", reason))

    def _rejected(self, record: Record, code: str, reason: str) -> DeadLetter:
        return DeadLetter.of(record.message, "transform", code, reason, self._keep_original)
