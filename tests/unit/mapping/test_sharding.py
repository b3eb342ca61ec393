"""Shards: a hash of table and primary key, the same in every process, run and version of Python."""

import os
import subprocess
import sys
from collections import defaultdict
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Chunk, PlainMessage, Segment
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit.factories import dead_letter, message_chunk, record_chunk, settings

BY_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}


def shards_of(ids: list[str], shards: int = 64, table: str = "orders") -> dict[str, str]:
    """The shard of each id."""
    made = settings(table=BY_ID, window={"shards": shards}, mapping={"topics": {"orders": table}})
    mapper = RowMapper(made, RowEncoder())
    chunk = record_chunk([{"id": number, "a": 1} for number in ids])
    found = {}
    for shard, (segments, dead) in mapper.map_chunk(chunk):
        assert not dead
        for segment in segments:
            for row in segment.rows():
                found[ids[row.offset]] = shard
    return found


# What release 0.1.0 computes. A recovery folder holds rows under these shards, so another hash
# would break the order of keys across an upgrade: change these only with a migration.
PINNED = {"order-1": "39", "order-2": "26", "": "60", "Größe": "08"}


def test_the_shards_of_the_first_release() -> None:
    """The hash is part of the contract of the recovery folder."""
    assert shards_of(list(PINNED)) == PINNED


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_every_process_agrees(seed: str) -> None:
    """Another process, with another hash seed of Python, sends each key to the same shard."""
    program = (
        "from tests.unit.mapping.test_sharding import shards_of\n"
        "print(shards_of([str(n) for n in range(500)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(shards_of([str(n) for n in range(500)]))


def test_neither_partition_nor_company_changes_the_shard() -> None:
    """All changes of a key meet in one shard, from whatever partition and with whatever columns."""
    mapper = RowMapper(settings(table=BY_ID), RowEncoder())
    found = set()
    for partition in range(5):
        for value in ({"id": "x", "c": None}, {"id": "x", "a": 1}, {"b": 2.5, "id": "x"}):
            for _ in range(3):
                ((shard, _),) = mapper.map_chunk(record_chunk([value], partition=partition))
                found.add(shard)
    assert len(found) == 1


def test_tables_are_spread_apart() -> None:
    """The same keys of two tables do not crowd the same shards."""
    ids = [str(number) for number in range(100)]
    assert shards_of(ids, table="orders") != shards_of(ids, table="clicks")


def test_keys_are_spread_evenly() -> None:
    """With 64 shards and 20,000 keys no shard has more than half as much again as its share."""
    counts: dict[str, int] = defaultdict(int)
    for shard in shards_of([f"order-{number}" for number in range(20_000)]).values():
        counts[shard] += 1
    assert len(counts) == 64
    assert max(counts.values()) < 1.5 * 20_000 / 64
    assert min(counts.values()) > 0.5 * 20_000 / 64


@pytest.mark.parametrize(
    ("shards", "first", "last"), [(1, "0", "0"), (10, "0", "9"), (11, "00", "10"), (64, "00", "63")]
)
def test_names_sort_as_numbers(shards: int, first: str, last: str) -> None:
    """Bytewax sorts shards as texts; zero-padding makes that the order of the numbers."""
    names = RowMapper(settings(window={"shards": shards}), RowEncoder()).shard_names
    assert len(names) == len(set(names)) == shards
    assert names == sorted(names)
    assert [int(name) for name in names] == [*range(shards)]
    assert (names[0], names[-1]) == (first, last)


@pytest.mark.P3
@given(st.lists(st.text(max_size=3), max_size=30), st.integers(1, 9))
def test_order_is_kept_within_a_shard(ids: list[str], shards: int) -> None:
    """P3: each shard's rows stand in the order of their offsets, and none is lost or doubled."""
    ids = [text for text in ids if text.isascii()]
    mapper = RowMapper(settings(table=BY_ID, window={"shards": shards}), RowEncoder())
    made = mapper.map_chunk(record_chunk([{"id": text, "a": 1} for text in ids]))
    offsets = [
        [row.offset for segment in segments for row in segment.rows()] for _, (segments, _) in made
    ]
    assert all(part == sorted(part) for part in offsets)
    assert sorted(chain.from_iterable(offsets)) == [*range(len(ids))]
    assert len(made) == len({shard for shard, _ in made}), "a shard comes once"
    assert {shard for shard, _ in made} <= set(mapper.shard_names)


def test_dead_letters_ride_on_their_partitions_shard() -> None:
    """Dead letters of earlier steps pass through in order, before those of the mapping."""
    mapper = RowMapper(settings(window={"shards": 4}), RowEncoder())
    chunk = record_chunk([None, {"a": 1}], partition=6, dead=[dead_letter(7), dead_letter(9)])
    made = dict(mapper.map_chunk(chunk))
    segments, dead = made["2"]
    assert segments == [] or [row.offset for row in segments[0].rows()] == [1]
    assert [found.offset for found in dead] == [7, 9, 0]


def test_an_empty_chunk_sends_nothing() -> None:
    """No records and no dead letters: no item, so nothing is woken for it."""
    assert RowMapper(settings(), RowEncoder()).map_chunk(record_chunk([])) == []


def offset_rows(chunk: Chunk, rows: int = 50, shards: int = 16) -> list[tuple[str, Segment]]:
    """The segments of a chunk in key mode kafka, whose plan is known already."""
    made = settings(window={"rows": rows, "shards": shards})
    mapper, decoder = RowMapper(made, RowEncoder()), ChunkDecoder(made)
    for _ in range(2):  # a shape is compiled when it comes again
        mapper.map_chunk(decoder.decode_chunk(message_chunk([b'{"a":1}'])))
    out = mapper.map_chunk(decoder.decode_chunk(chunk))
    return [(shard, segment) for shard, (segments, _) in out for segment in segments]


@given(st.integers(0, 200), st.lists(st.integers(1, 3), min_size=1, max_size=200))
def test_rows_keyed_by_offset_go_in_blocks(first: int, steps: list[int]) -> None:
    """Neighbours share a shard up to the size of a request, whatever gaps the offsets have."""
    offsets = [first + sum(steps[:at]) for at in range(len(steps))]
    messages = [PlainMessage("orders", 0, offset, value=b'{"a":1}') for offset in offsets]
    found = offset_rows(Chunk("orders", 0, messages))
    assert [row.offset for _, segment in found for row in segment.rows()] == offsets
    for _, segment in found:
        assert len({row.offset // 50 for row in segment.rows()}) == 1
    blocks = [segment.rows()[0].offset // 50 for _, segment in found]
    assert len(set(blocks)) == len(blocks), "one segment a block"


@pytest.mark.P3
def test_a_row_keyed_by_offset_has_one_shard() -> None:
    """P3: cut into other chunks, or gone through a user's step, each offset has its shard."""
    values: list[bytes | None] = [b'{"a":1}'] * 300
    whole = message_chunk(values)
    parts = [Chunk("orders", 0, whole.messages[at : at + 70]) for at in range(0, 300, 70)]
    slowly = [Chunk("orders", 0, part.messages, offsets_unique=False) for part in parts]

    def shards(chunks: list[Chunk]) -> dict[int, str]:
        return {
            row.offset: shard
            for chunk in chunks
            for shard, segment in offset_rows(chunk)
            for row in segment.rows()
        }

    assert shards([whole]) == shards(parts) == shards(slowly)
    assert len(set(shards([whole]).values())) == 6


def test_what_may_come_again_keeps_its_identity() -> None:
    """Two dead letters of one record in a batch are one row: only identities show it."""
    message = PlainMessage("orders", 0, 7, value=b'{"a":1}')
    found = offset_rows(Chunk("orders", 0, [message, message], offsets_unique=False))
    ((_, segment),) = found
    assert len({row.identity for row in segment.rows()}) == 1
