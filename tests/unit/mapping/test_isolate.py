"""An unexpected exception rejects one record: its neighbours become what they would be anyway."""

from typing import Any

import pytest

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.fast_path import FastPath
from connectors.mapping.key_modes import KafkaCoordinates
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Record
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import CANARY, dead_in, message_chunk, rows_in

VALUES: list[bytes | None] = [
    b'{"a":1}',
    b"{",
    b'{"a":"' + CANARY.encode() + b'"}',
    b'{"a":2}',
    None,
    b'{"a":3}',
]


def mapped(mapper: RowMapper, keep: bool) -> list[tuple[str, Batch]]:
    """All values, decoded and mapped behind the isolation."""
    decoder = ChunkDecoder(factories.settings(), keep)
    chunk = decoder.decode_chunk(message_chunk(VALUES, partition=3))
    return mapper.map_chunk(chunk)


@pytest.mark.parametrize("keep", [False, True])
def test_an_unexpected_exception_rejects_one_record(
    monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    """Its reason names type and line, not the value; all other records are as without it."""
    usual = KafkaCoordinates.encode

    def one(self: KafkaCoordinates, record: Record) -> Any:
        if record.value == {"a": CANARY}:
            raise ZeroDivisionError(CANARY)
        return usual(self, record)

    monkeypatch.setattr(KafkaCoordinates, "encode", one)
    monkeypatch.setattr(FastPath, "encode", lambda *_: False)
    mapper = RowMapper(factories.settings(), RowEncoder(), keep)
    made = mapped(mapper, keep)
    assert sorted(row.offset for row in rows_in(b for _, b in made)) == [0, 3, 5]
    dead_letters = {dead_letter.offset: dead_letter for dead_letter in dead_in(b for _, b in made)}
    assert {offset: dead_letter.code for offset, dead_letter in dead_letters.items()} == {
        1: "value_json_invalid",
        2: "map_failed",
        4: "value_null",
    }
    assert "ZeroDivisionError at test_isolate.py:" in dead_letters[2].reason
    assert CANARY not in dead_letters[2].reason
    assert (dead_letters[2].original is not None) is keep


def test_a_lack_of_memory_is_no_fault_of_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the run, which goes on where it was."""

    def encode(_self: FastPath, *_: Any) -> bool:
        raise MemoryError

    monkeypatch.setattr(FastPath, "encode", encode)
    with pytest.raises(MemoryError):
        mapped(RowMapper(factories.settings(), RowEncoder()), keep=False)
