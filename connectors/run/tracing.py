"""What a tracer of batches looks like to those who write them. Without one, nothing is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connectors.records import Segment


class BatchSpan(Protocol):
    """The trace of one batch."""

    def request(
        self, tables: Sequence[str], code: str, rows: int, size: int, seconds: float
    ) -> None:
        """A request of the batch was answered just now, after so many seconds.

        `code` is as in the metric sync_table_requests_total; `size` are the bytes of its rows.
        """
        ...

    def end(self, error: BaseException | None) -> None:
        """All rows are written or rejected, or `error` ends the run."""
        ...


class Tracer(Protocol):
    """Chooses the batches that are traced."""

    def batch(self, segments: Sequence[Segment]) -> BatchSpan | None:
        """The span of a batch that begins now; None: it is not traced."""
        ...
