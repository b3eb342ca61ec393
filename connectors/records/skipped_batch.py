"""`SkippedBatch`: in a chunk, in place of records that cannot be read."""

from __future__ import annotations

import sys

from connectors.records.dead_letter import DeadLetter
from connectors.records.record import PlainMessage


class SkippedBatch(PlainMessage):
    """The only message of a chunk, in place of the records of a skipped batch."""

    def __init__(self, topic: str, partition: int, first: int, end: int, cause: str) -> None:
        """The offsets from `first` to before `end` are skipped; `cause` is the client's text."""
        super().__init__(topic, partition, first)
        self.reason = (
            f"part of a batch that cannot be read: offsets {first} to {end - 1} are skipped "
            f"({cause})"
        )

    def __len__(self) -> int:
        """More than any option allows, so that it is never decoded as a record."""
        return sys.maxsize

    def dead_letter(self) -> DeadLetter:
        """Return one dead letter for the whole batch, without key, value and headers."""
        return DeadLetter(
            self.topic(),
            self.partition(),
            self.offset(),
            "decode",
            "value_unreadable",
            f"the value is {self.reason}",
            (None, None, None, ()),
        )
