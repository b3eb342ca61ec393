"""Decoding and mapping in one go give what they give one record at a time.

Where no user's step stands between them, whole chunks take a shorter way; whatever is odd about a
message must come out as it would alone, and its neighbours as if it were not there.
"""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import DecodedChunk, RecordChunk
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import dead_in, message_chunk, rows_in
from tests.unit.mapping.test_shape_cache import RULES
from tests.unit.mapping.wire_reader import read_wire

Outcome = tuple[bytes, Any] | str


class Pair:
    """A decoder and a mapper, as the flow has them."""

    def __init__(self, made: Settings, keep: bool = False) -> None:
        self.decoder = ChunkDecoder(made, keep)
        self.mapper = RowMapper(made, RowEncoder(), keep)

    def outcomes(self, values: list[bytes | None], keys: list[bytes | None]) -> dict[int, Outcome]:
        """By offset: the row's key and columns, or the stage of its rejection.

        Rows must stand in offset order within each shard, and every offset must be there once.
        """
        made = self.mapper.map_chunk(self.decoder.decode_chunk(message_chunk(values, keys=keys)))
        found: dict[int, Outcome] = {}
        for _, batch in made:
            offsets = [row.offset for row in rows_in([batch])]
            assert offsets == sorted(offsets)
            for row in rows_in([batch]):
                assert row.offset not in found
                cells = read_wire(row.wire)
                # A row that is keyed by its offset may come without its identity.
                identity = b"" if "offset" in cells.key else row.identity
                found[row.offset] = (identity, (cells.key, cells.columns))
            for dead_letter in dead_in([batch]):
                assert dead_letter.offset not in found
                found[dead_letter.offset] = dead_letter.stage
        return found


def check(rules: str, values: list[bytes | None], keys: list[bytes | None]) -> None:
    """Together, again and again, as alone on fresh ground."""
    alone = {}
    for offset, (value, key) in enumerate(zip(values, keys, strict=True)):
        (outcome,) = Pair(RULES[rules]).outcomes([value], [key]).values()
        alone[offset] = outcome
    used = Pair(RULES[rules])
    for _ in range(3):
        found = used.outcomes(values, keys)
        assert list(found) != [] or not values
        for offset, outcome in found.items():
            expected = alone[offset]
            if isinstance(expected, str):
                assert outcome == expected
            else:
                assert not isinstance(outcome, str)
                # Columns may stand in another order. In mode kafka the offset is a part of the
                # key, and alone it is 0.
                assert sorted(map(repr, outcome[1][1].items())) == sorted(
                    map(repr, expected[1][1].items())
                )
                assert {**outcome[1][0], "offset": 0} == {**expected[1][0], "offset": 0}
        assert sorted(found) == [*range(len(values))]


def spelled(value: dict[str, Any], style: int) -> bytes:
    """The same object, written in one of several ways that JSON allows."""
    if style == 0:
        return json.dumps(value).encode()
    if style == 1:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    if style == 2:
        return json.dumps(dict(reversed(value.items())), indent=1).encode()
    escaped = {name: "".join(f"\\u{ord(character):04x}" for character in name) for name in value}
    inner = ", ".join(f'"{escaped[name]}": {json.dumps(item)}' for name, item in value.items())
    return f" {{{inner}}} ".encode()


names = st.sampled_from(["a", "b", "c", "k"])
plain = st.sampled_from(["x", "YQ==", "5", "", "é", 0, 1, -5, 2**63, 1.5, 2.0, True, False, None])
objects = st.dictionaries(names, plain | st.sampled_from([[], [1], {"x": None}]), max_size=4)
documents = st.builds(spelled, objects, st.integers(0, 3))
junk = st.sampled_from(
    [
        None,
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'{"a": 1} x',
        b'{"a": 1, "a": "2"}',
        b'{"a": "x", "b": 1, "a": "y"}',
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 3000,
        b'\xef\xbb\xbf{"a": 1}',
        b'{"offset": 5}',
        b'{"a-b": 5}',
        b'{"a": 18446744073709551616}',
        b'{"a": "x", "unknown": 1}',
        b'{"": 1}',
        b"{}",
    ]
)
alike = st.fixed_dictionaries({"k": st.just("YQ=="), "a": st.sampled_from(["x", "y"])})


@pytest.mark.parametrize("rules", RULES)
@given(st.lists(st.builds(spelled, alike, st.integers(0, 3)) | documents | junk, max_size=10))
@example([b'{"k":"YQ==","a":"x"}'] * 3 + [None] + [b'{"a":"x","k":"YQ=="}'] * 3)
@settings(max_examples=50)
def test_together_is_as_alone(rules: str, values: list[bytes | None]) -> None:
    """Chunks of like, unlike, odd and bad messages, in every key mode, at first and later sight."""
    if values:
        check(rules, values, [b'"YQ=="'] * len(values))


@pytest.mark.P3
@pytest.mark.parametrize("rules", RULES)
def test_the_shard_is_the_same_by_either_way(rules: str) -> None:
    """P3: a step of a user's between decode and map sends no key to another shard.

    Nor does an odd neighbour: both ways meet in one chunk, and must agree.
    """
    pair = Pair(RULES[rules])
    of_value = b"" if rules.startswith("record_key") else b'"k":"%s",'
    names = [b"YQ==", b"Yg=="]
    good = [
        b"{%s" % (of_value.replace(b"%s", names[n % 2])) + b'"a":"x%d","z":1}' % n
        for n in range(440)
    ]
    values: list[bytes | None] = [value if n % 11 else b"{" for n, value in enumerate(good)]
    keys: list[bytes | None] = [b"%d" % n for n in range(440)]

    def shards(chunk: DecodedChunk) -> dict[int, str]:
        made = pair.mapper.map_chunk(chunk)
        return {row.offset: shard for shard, batch in made for row in rows_in([batch])}

    for _ in range(3):
        quick = pair.decoder.decode_chunk(message_chunk(values, keys=keys))
        slow = RecordChunk("orders", 0, quick.records, quick.dead_letters)
        found = shards(quick)
        assert found == shards(slow)
        assert len(found) == 400
        assert len(set(found.values())) > 1


@pytest.mark.parametrize("rules", ["kafka", "record_value listed"])
def test_an_empty_chunk_is_no_trouble(rules: str) -> None:
    """The source gives none, but a step of a user's may."""
    assert Pair(RULES[rules]).outcomes([], []) == {}


@pytest.mark.parametrize("bad", [b"{", b"", None, b'{"a":"x","k":null}', b'{"a":1.5,"k":"YQ=="}'])
@pytest.mark.parametrize("share", [1, 2, 5, 50])
def test_many_bad_ones_change_nothing_but_the_speed(bad: bytes | None, share: int) -> None:
    """One in 50, in 5, every second, all: over many chunks the outcome stays what it is."""
    good = b'{"k":"YQ==","a":"x","z":1}'
    values = [bad if number % share == 0 else good for number in range(100)]
    for rules in ("kafka", "record_value"):
        used = Pair(RULES[rules])
        first = used.outcomes(values, [None] * 100)
        for _ in range(5):
            assert used.outcomes(values, [None] * 100) == first
        assert sum(not isinstance(outcome, str) for outcome in first.values()) >= 100 - (
            -(-100 // share)
        )


@pytest.mark.parametrize(
    "name",
    ["f0", "f1", "ä", 'a"b', "a\\b", "class", "", "__dict__", "\u2028", "💥", "type", "self"],
)
def test_names_that_look_special_to_a_decoder(name: str) -> None:
    """Whatever a field is called: the value comes out, or the name's rejection, as alone."""
    value = json.dumps({"k": "YQ==", name: "x", "z": 1}).encode()
    for rules in ("kafka", "record_value"):
        check(rules, [value] * 3, [None] * 3)


def test_originals_are_kept_when_they_are_asked_for() -> None:
    """With keep_original rows and dead letters of a whole chunk have their bytes."""
    pair = Pair(factories.settings(), keep=True)
    values: list[bytes | None] = [b'{"a":1}', b"{", b'{"a":2}', b'{"offset":1}']
    for _ in range(3):
        made = pair.mapper.map_chunk(pair.decoder.decode_chunk(message_chunk(values)))
        batches = [batch for _, batch in made]
        kept = {row.offset: row.original for row in rows_in(batches)}
        kept |= {dead_letter.offset: dead_letter.original for dead_letter in dead_in(batches)}
        assert kept == {number: (None, None, value, ()) for number, value in enumerate(values)}


def test_records_asked_for_twice_are_decoded_once() -> None:
    """A chunk that steps look at gives the same records each time."""
    chunk = ChunkDecoder(factories.settings()).decode_chunk(message_chunk([b'{"a":1}', b"{"]))
    assert chunk.records is chunk.records
    assert chunk.records[0].value is chunk.records[0].value
    assert len(chunk.dead_letters) == 1
