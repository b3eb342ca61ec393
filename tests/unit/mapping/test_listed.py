"""Listed columns are decoded straight from the bytes, with the results of the general way."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import RecordChunk, UniformChunk
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import dead_in, message_chunk, rows_in
from tests.unit.mapping.test_together import alike, documents, junk, spelled

COLUMNS = [{"name": "a", "type": "string"}, {"name": "b", "type": "double"}]
MADE = {
    "kafka": factories.settings(table={"columns": COLUMNS}),
    "one column": factories.settings(table={"columns": COLUMNS[:1]}),
    "record_value": factories.settings(
        table={
            "columns": COLUMNS,
            "primary_key_mode": "record_value",
            "primary_key": [{"name": "k", "type": "string"}],
        }
    ),
}


class Ways:
    """Both ways of one configuration, which keep what they have learnt."""

    def __init__(self, rules: str) -> None:
        self._decoder = ChunkDecoder(MADE[rules])
        self._quick = RowMapper(MADE[rules], RowEncoder())
        self._general = RowMapper(MADE[rules], RowEncoder())

    def compare(self, values: list[bytes | None]) -> None:
        """The same shards, rows and rejections come out by either way."""
        chunk = self._decoder.decode_chunk(message_chunk(values))
        opened = RecordChunk("orders", 0, chunk.records, chunk.dead_letters)
        fresh = self._decoder.decode_chunk(message_chunk(values))
        found = outcomes(self._quick, fresh)
        assert found == outcomes(self._general, opened)
        assert len(found) == len(values)


def outcomes(mapper: RowMapper, chunk: Any) -> dict[int, Any]:
    """By offset: shard and row, or what the rejection says."""
    made = mapper.map_chunk(chunk)
    found: dict[int, Any] = {
        row.offset: (shard, row.wire) for shard, batch in made for row in rows_in([batch])
    }
    for dead_letter in dead_in([batch for _, batch in made]):
        assert dead_letter.offset not in found
        found[dead_letter.offset] = (dead_letter.stage, dead_letter.code, dead_letter.reason)
    return found


others = st.sampled_from(
    [
        b'{"a":"x","b":1.5,"z":1e999}',
        b'{"a":"x","b":1.5,"z":"\xff"}',
        b'{"a":"x","b":1.5,"z":"\\ud800"}',
        b'{"a":"x","b":1.5,"z":' + b"9" * 5000 + b"}",
        b'{"a":"x","b":1.5,"z":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"a":"x","b":-0,"k":"k"}',
        b'{"a":"x","b":9007199254740993,"k":"k"}',
        b'{"a":"x","b":7,"k":"k","y":{"b":2}}',
        b'{"k":"k"}',
        b'{"a":null,"b":null,"k":"k"}',
        b'{"a":5,"b":"5","k":"k"}',
    ]
)
usual = st.builds(spelled, alike, st.integers(0, 3))


@pytest.mark.parametrize("rules", MADE)
@given(st.lists(st.lists(usual | documents | junk | others, max_size=8), max_size=4))
@example([[b'{"k":"k","a":"x","b":1.5,"c":1}'] * 3, [b'{"k":"k","a":"x","d":1}'] * 3])
@settings(max_examples=150)
def test_listed_columns_by_either_way(rules: str, chunks: list[list[bytes | None]]) -> None:
    """Good, odd and bad records, of which some hold what is bad in a field that is not listed."""
    ways = Ways(rules)
    for values in chunks:
        if values:
            ways.compare(values)


def test_the_fast_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record with all listed columns, some of them or more fields becomes no `Record`."""
    mapper = RowMapper(MADE["record_value"], RowEncoder())
    decoder = ChunkDecoder(MADE["record_value"])
    values: list[bytes | None] = [
        b'{"z":1,"k":"1","a":"x","b":1.5}',
        b'{"k":"2","a":"x"}',
        b'{"k":"3","b":2,"z":[1]}',
    ] * 4
    mapper.map_chunk(decoder.decode_chunk(message_chunk(values)))
    chunk = decoder.decode_chunk(message_chunk(values))
    assert isinstance(chunk, UniformChunk)
    monkeypatch.setattr(UniformChunk, "record_of", None)
    made = mapper.map_chunk(chunk)
    assert len(rows_in([batch for _, batch in made])) == len(values)


@pytest.mark.parametrize("rules", MADE)
@pytest.mark.parametrize("name", ['a"b', "a\\b", "\n", "\0", "", "\u2028", "__dict__", "é", "f0"])
def test_names_that_a_decoder_cannot_have(rules: str, name: str) -> None:
    """A field that is not listed, of any name, changes nothing."""
    value = json.dumps({"k": "x", "a": "y", name: 1, "b": 2.5}).encode()
    worse = json.dumps({"k": "x", "a": "y", name: 1, "b": "2.5x"}).encode()
    ways = Ways(rules)
    for _ in range(3):
        ways.compare([value, value, worse, value])
