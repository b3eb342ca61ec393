"""The values that travel through the flow, in the order in which a record becomes each of them.

`Chunk` (the messages of one poll) -> `Record` (decoded) -> `Segment` (encoded rows) -> `Batch`
(what a shard writes next). A record that is rejected becomes a `DeadLetter`.
"""

from connectors.errors import Rejection
from connectors.records.chunk import (
    ABSENT,
    Absent,
    Chunk,
    DecodedChunk,
    Part,
    RecordChunk,
    UniformChunk,
)
from connectors.records.dead_letter import DeadLetter, Original, Stage, original, originals
from connectors.records.headers import headers_of, readable_headers
from connectors.records.record import (
    UNAVAILABLE,
    Change,
    Header,
    Message,
    PlainMessage,
    Record,
    Unavailable,
    position_lost,
    timestamp_of,
)
from connectors.records.segment import (
    Batch,
    Operation,
    Row,
    Segment,
    count_of,
    segment_of_state,
    size_of,
    state_of,
)
from connectors.records.skipped_batch import SkippedBatch

__all__ = [
    "ABSENT",
    "UNAVAILABLE",
    "Absent",
    "Batch",
    "Change",
    "Chunk",
    "DeadLetter",
    "DecodedChunk",
    "Header",
    "Message",
    "Operation",
    "Original",
    "Part",
    "PlainMessage",
    "Record",
    "RecordChunk",
    "Rejection",
    "Row",
    "Segment",
    "SkippedBatch",
    "Stage",
    "Unavailable",
    "UniformChunk",
    "count_of",
    "headers_of",
    "original",
    "originals",
    "position_lost",
    "readable_headers",
    "segment_of_state",
    "size_of",
    "state_of",
    "timestamp_of",
]
