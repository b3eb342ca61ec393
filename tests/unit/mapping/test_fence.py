"""What nobody foresaw rejects one record: its neighbours become what they would be anyway."""

from typing import Any

import pytest

from connectors.formats.decoding import ChunkDecoder
from connectors.mapping.fence import fenced
from connectors.mapping.roads import KafkaKey
from connectors.mapping.rows import RowMapper
from connectors.records import Batch, Record, Records
from connectors.tablestore.encoder import RowEncoder
from tests.unit import making
from tests.unit.making import CANARY, dead_in, message_chunk, rows_in

VALUES: list[bytes | None] = [
    b'{"a":1}',
    b"{",
    b'{"a":"' + CANARY.encode() + b'"}',
    b'{"a":2}',
    None,
    b'{"a":3}',
]


def mapped(mapper: RowMapper, keep: bool) -> list[tuple[str, Batch]]:
    """All values, decoded and mapped behind the fence."""
    decoder = ChunkDecoder(making.settings(), keep)
    chunk = decoder.decode_chunk(message_chunk(VALUES, partition=3))
    return fenced(mapper.map_chunk, mapper.shard_names, keep)(chunk)


@pytest.mark.parametrize("keep", [False, True])
def test_one_record_that_nobody_foresaw(monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    """It is told by kind and place, without its value; all others are as without it."""
    usual = KafkaKey.one

    def one(self: KafkaKey, record: Record) -> Any:
        if record.value == {"a": CANARY}:
            raise ZeroDivisionError(CANARY)
        return usual(self, record)

    monkeypatch.setattr(KafkaKey, "one", one)
    monkeypatch.setattr(KafkaKey, "worth_trying", lambda _: False)
    mapper = RowMapper(making.settings(), RowEncoder(), keep)
    made = mapped(mapper, keep)
    assert sorted(row.offset for row in rows_in(b for _, b in made)) == [0, 3, 5]
    letters = {letter.offset: letter for letter in dead_in(b for _, b in made)}
    assert {offset: letter.code for offset, letter in letters.items()} == {
        1: "value_json_invalid",
        2: "map_failed",
        4: "value_null",
    }
    assert "ZeroDivisionError at test_fence.py:" in letters[2].reason
    assert CANARY not in letters[2].reason
    assert (letters[2].original is not None) is keep


def test_memory_at_its_end_is_no_records_fault() -> None:
    """It ends the run, which goes on where it was."""

    def map_chunk(_: Records) -> list[tuple[str, Batch]]:
        raise MemoryError

    chunk = ChunkDecoder(making.settings()).decode_chunk(message_chunk([b"{}"]))
    with pytest.raises(MemoryError):
        fenced(map_chunk, ["0"], False)(chunk)


def test_without_trouble_nothing_changes() -> None:
    """The same batches, in the same order."""
    mapper = RowMapper(making.settings(), RowEncoder())
    chunk = ChunkDecoder(making.settings()).decode_chunk(message_chunk(VALUES))
    again = ChunkDecoder(making.settings()).decode_chunk(message_chunk(VALUES))
    assert fenced(mapper.map_chunk, mapper.shard_names, False)(chunk) == mapper.map_chunk(again)
