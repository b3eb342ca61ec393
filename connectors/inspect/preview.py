"""What would become of records: their rows, or the rejection. Nothing is written.

Records go through the very steps of a flow: decoding, transforms, mapping and encoding, one record
at a time; the rows are then read back from their bytes.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from connectors.errors import StopRun
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.inspect.capacity import row_bytes, row_units
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk, DeadLetter, DecodedChunk, Message, Record
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.row_reader import ReadCell, read_row
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.transforms.chunk_step import ChunkStep
from connectors.transforms.pipeline import pipeline

# Seconds for a schema that the registry does not know; and pauses for one that does not answer.
_UNKNOWN_WAIT = 0.5
_PAUSE, _REGISTRY_WAITS = 0.2, 10


class PreviewedRow(NamedTuple):
    """A row that would be written."""

    table: str
    operation: str
    key: list[ReadCell]
    columns: list[ReadCell]
    bytes: int
    """As the service counts them; `wire_bytes` is what a request carries."""
    wire_bytes: int
    units: float


class Stage(NamedTuple):
    """What a record is behind a step: the records that there are then, or why there is none."""

    step: str
    records: list[Record]
    rejection: DeadLetter | None


class Previewed(NamedTuple):
    """What would become of one record of Kafka."""

    message: Message
    rows: list[PreviewedRow]
    rejections: list[DeadLetter]
    stages: list[Stage]
    """Behind decoding and behind each transform; empty unless asked for."""

    @property
    def is_filtered(self) -> bool:
        """Whether a transform drops the record."""
        return not self.rows and not self.rejections


class Preview:
    """Previews records with the settings of a flow."""

    def __init__(self, settings: Settings, with_stages: bool = False) -> None:
        """`with_stages`: also what each transform makes of a record.

        Raises StopRun for a schema file or a function of the user that cannot be used.
        """
        self._settings = settings
        self._with_stages = with_stages
        self._decoder = ChunkDecoder(_impatient(settings), wait=RegistryWait().wait)
        self._transform = _step(settings)
        self._prefixes = [
            (f"{number}. {transform.type}", _step(_first(settings, number)))
            for number, transform in enumerate(settings.transforms, 1)
        ]
        self._mapper = RowMapper(settings, RowEncoder(), points=PointEncoder())

    def records_of(self, message: Message) -> list[Record]:
        """The records that a record becomes before it is mapped; none where it is rejected."""
        chunk = Chunk(str(message.topic()), message.partition(), [message])
        decoded = self._decoder.decode_chunk(chunk)
        return (decoded if self._transform is None else self._transform.apply(decoded)).records

    def rows_of(self, chunk: Chunk) -> list[tuple[str, Batch]]:
        """The rows and rejections of a chunk, as a flow has them. Raises StopRun as `of` does."""
        decoded = self._decoder.decode_chunk(chunk)
        return self._mapper.map_chunk(
            decoded if self._transform is None else self._transform.apply(decoded)
        )

    def of(self, message: Message) -> Previewed:
        """What would become of a record. Raises StopRun where a schema cannot be asked for."""
        chunk = Chunk(str(message.topic()), message.partition(), [message])
        decoded = self._decoder.decode_chunk(chunk)
        stages = self._stages(chunk) if self._with_stages else []
        transformed = decoded if self._transform is None else self._transform.apply(decoded)
        rows: list[PreviewedRow] = []
        rejections: list[DeadLetter] = []
        for _, (segments, dead_letters) in self._mapper.map_chunk(transformed):
            rejections += dead_letters
            for segment in segments:
                rules = self._settings.rules_of(segment.table)
                for row in segment.rows():
                    found = read_row(row, rules.mode == "timeseries")
                    rows.append(
                        PreviewedRow(
                            row.table,
                            row.operation,
                            found.key,
                            found.columns,
                            row_bytes(found, rules),
                            len(row.wire),
                            row_units(found, rules),
                        )
                    )
        return Previewed(message, rows, rejections, stages)

    def _stages(self, chunk: Chunk) -> list[Stage]:
        """The record behind decoding, and behind the first transform, the first two, and so on.

        It is decoded for each of them, as a function of the user may change what it is given.
        """
        stages = [_stage("decoded", self._decoder.decode_chunk(chunk))]
        for name, step in self._prefixes:
            if step is None or stages[-1].rejection is not None:
                break
            stages.append(_stage(name, step.apply(self._decoder.decode_chunk(chunk))))
        return stages


def _stage(name: str, chunk: DecodedChunk) -> Stage:
    return Stage(name, chunk.records, chunk.dead_letters[0] if chunk.dead_letters else None)


def _first(settings: Settings, number: int) -> Settings:
    return settings.model_copy(update={"transforms": settings.transforms[:number]})


def _step(settings: Settings) -> ChunkStep | None:
    function: Any = pipeline(settings)
    return None if function is None else ChunkStep("transform", function, False, lambda *_: None)


def _impatient(settings: Settings) -> Settings:
    """The same settings, with less time for a schema that the registry may learn of later."""
    registry = settings.format.registry
    update = {"unknown_wait": min(registry.unknown_wait, _UNKNOWN_WAIT)}
    formats = settings.format.model_copy(update={"registry": registry.model_copy(update=update)})
    return settings.model_copy(update={"format": formats})


class RegistryWait:
    """Waits a little for a registry that does not answer; a run waits without end."""

    def __init__(self) -> None:
        self._left = _REGISTRY_WAITS

    def wait(self, reason: str) -> None:
        """Return after a pause. Raises StopRun when it was called too often."""
        if self._left == 0:
            raise StopRun(
                f"{reason}\n  remedy: start the registry, or correct format.registry; a run would "
                "wait for it"
            )
        self._left -= 1
        time.sleep(_PAUSE)
