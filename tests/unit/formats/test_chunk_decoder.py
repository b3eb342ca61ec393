"""The decode step: a bad record is set aside alone, and keys are decoded only where needed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats import primitives
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import Chunk, PlainMessage
from connectors.settings import Settings
from tests.unit.factories import CANARY, message_chunk, settings

BAD = {
    b"": "value_json_empty",
    b"{": "value_json_invalid",
    b"\xef\xbb\xbf{}": "value_json_bom",
    b'"\xff"': "value_json_encoding",
    b"[" * 3000: "value_json_depth",
}


def by_key() -> Settings:
    """Settings whose rows take their primary key from the record's key."""
    return settings(table={"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]})


def test_good_records_come_through_in_order() -> None:
    """Values decoded, keys left alone, messages kept, nothing dead."""
    chunk = message_chunk([b'{"n":%d}' % n for n in range(5)], topic="orders", partition=3)
    found = ChunkDecoder(settings()).decode_chunk(chunk)
    assert (found.topic, found.partition, found.dead_letters) == ("orders", 3, [])
    assert [record.value for record in found.records] == [{"n": n} for n in range(5)]
    assert [record.offset for record in found.records] == [*range(5)]
    assert all(record.key is None for record in found.records)
    assert all(a.message is b for a, b in zip(found.records, chunk.messages, strict=True))


@pytest.mark.P4
@pytest.mark.parametrize("bad", sorted(BAD))
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_bad_record_does_not_take_its_neighbours(bad: bytes, place: int) -> None:
    """P4: wherever it is, only the bad one becomes a dead letter, with coordinates and code."""
    values = [b'{"n":%d}' % n for n in range(5)]
    values[place] = bad
    found = ChunkDecoder(settings()).decode_chunk(message_chunk(values, partition=7))
    assert [record.offset for record in found.records] == [n for n in range(5) if n != place]
    assert [record.value["n"] for record in found.records] == [n for n in range(5) if n != place]
    (dead_letter,) = found.dead_letters
    assert (dead_letter.topic, dead_letter.partition, dead_letter.offset) == ("orders", 7, place)
    assert (dead_letter.stage, dead_letter.code) == ("decode", BAD[bad])
    assert dead_letter.reason.startswith("the value is ")
    assert dead_letter.original is None


def test_null_values_are_records() -> None:
    """A tombstone and a JSON null are records with the value None; the mapping decides on them."""
    found = ChunkDecoder(settings()).decode_chunk(message_chunk([b"1", None, b"null", b"2"]))
    assert [record.value for record in found.records] == [1, None, None, 2]
    assert found.dead_letters == []


@pytest.mark.parametrize("bad", [None, b"", b"{", b'{"other":1}'])
def test_tombstones_between_values_of_the_same_fields(bad: bytes | None) -> None:
    """They keep their place and their key, whether or not a value of the chunk is odd."""
    values: list[bytes | None] = [b'{"n":%d}' % n for n in range(9)]
    values[2] = values[6] = None
    values[4] = bad
    chunk = message_chunk(values, keys=[b'{"id":%d}' % n for n in range(9)])
    found = ChunkDecoder(by_key()).decode_chunk(chunk)
    wanted: list[Any] = [None if n in (2, 6) else {"n": n} for n in range(9)]
    wanted[4] = {"other": 1} if bad == b'{"other":1}' else None
    dead = [4] if bad in (b"", b"{") else []
    assert [one.offset for one in found.dead_letters] == dead
    assert [(one.offset, one.key, one.value) for one in found.records] == [
        (n, {"id": n}, wanted[n]) for n in range(9) if n not in dead
    ]


def test_an_empty_chunk_stays_empty() -> None:
    """A chunk without messages is decoded to a chunk without records."""
    for made in (settings(), by_key()):
        found = ChunkDecoder(made).decode_chunk(message_chunk([]))
        assert (found.records, found.dead_letters) == ([], [])


def test_keys_are_not_touched_without_need() -> None:
    """Keys that are no JSON do no harm where the primary key does not come from them."""
    for made in (
        settings(),
        settings(table={"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}),
    ):
        found = ChunkDecoder(made).decode_chunk(message_chunk([b"{}"], keys=[b"\xff\x00"]))
        assert [record.key for record in found.records] == [None]
        assert found.dead_letters == []


def test_keys_are_decoded_where_the_table_needs_them() -> None:
    """Mode record_key: the key is decoded; a null one is None; a bad one falls out alone."""
    chunk = message_chunk([b"{}"] * 5, keys=[b'{"id":1}', b'"a"', None, b"{", b"7"])
    found = ChunkDecoder(by_key()).decode_chunk(chunk)
    assert [(record.offset, record.key) for record in found.records] == [
        (0, {"id": 1}),
        (1, "a"),
        (2, None),
        (4, 7),
    ]
    (dead_letter,) = found.dead_letters
    assert (dead_letter.offset, dead_letter.code) == (3, "key_json_invalid")
    assert dead_letter.reason.startswith("the key is ")


def test_keys_are_decoded_by_topic() -> None:
    """Where only one table takes its key from the record's, only its topic's keys are decoded."""
    decoder = ChunkDecoder(
        settings(
            kafka={"topics": ["orders", "clicks"]},
            tables={"clicks": {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}},
        )
    )
    bad_key = [b"no json"]
    orders = decoder.decode_chunk(message_chunk([b"{}"], keys=bad_key, topic="orders"))
    clicks = decoder.decode_chunk(message_chunk([b"{}"], keys=bad_key, topic="clicks"))
    assert (len(orders.records), len(orders.dead_letters)) == (1, 0)
    assert (len(clicks.records), len(clicks.dead_letters)) == (0, 1)


def test_a_bad_key_is_reported_before_a_bad_value() -> None:
    """One dead letter a record, even when both are bad."""
    found = ChunkDecoder(by_key()).decode_chunk(message_chunk([b"{"], keys=[b"{"]))
    assert [dead_letter.code for dead_letter in found.dead_letters] == ["key_json_invalid"]


def test_originals_are_kept_on_demand() -> None:
    """With keep_original the dead letter has the record's bytes: time, key, value, headers."""
    headers = [("trace", b"1"), ("trace", None)]
    message = PlainMessage("orders", 0, 9, timestamp=5, key=b"k", value=b"{", headers=headers)
    decoder = ChunkDecoder(settings(), keep_original=True)
    (dead_letter,) = decoder.decode_chunk(Chunk("orders", 0, [message])).dead_letters
    assert dead_letter.original == (5, b"k", b"{", (("trace", b"1"), ("trace", None)))
    plain = PlainMessage("orders", 0, 9, value=b"{")
    (dead_letter,) = decoder.decode_chunk(Chunk("orders", 0, [plain])).dead_letters
    assert dead_letter.original == (None, None, b"{", ())


@pytest.mark.P7
@pytest.mark.parametrize("made", [settings(), by_key()], ids=["kafka", "record_key"])
def test_dead_letters_hold_no_content(made: Settings) -> None:
    """P7: without keep_original nothing of the record is in its dead letter."""
    chunk = message_chunk(
        [f'{{"{CANARY}"'.encode(), f'"{CANARY}" x'.encode()], keys=[b"1", CANARY.encode()]
    )
    found = ChunkDecoder(made).decode_chunk(chunk)
    assert len(found.dead_letters) == 2
    assert CANARY not in repr(found.dead_letters)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=12), st.just(b'{"a":1}')), max_size=8))
def test_every_message_is_a_record_or_a_dead_letter(values: list[bytes | None]) -> None:
    """Whatever the bytes: each offset comes out once, in order, on one side or the other."""
    for made in (settings(), by_key()):
        chunk = message_chunk(values, keys=reversed(values))
        found = ChunkDecoder(made).decode_chunk(chunk)
        alive = [record.offset for record in found.records]
        dead = [dead_letter.offset for dead_letter in found.dead_letters]
        assert alive == sorted(alive)
        assert dead == sorted(dead)
        assert sorted(alive + dead) == [*range(len(values))]


@given(st.lists(st.sampled_from([b"{}", b"{", None, b"[1]", b""]), max_size=6))
def test_neighbours_change_nothing(values: list[bytes | None]) -> None:
    """A record is decoded in company as it is alone."""

    def outcome(chunk: Chunk) -> list[Any]:
        found = ChunkDecoder(settings()).decode_chunk(chunk)
        return sorted(
            [(record.offset, repr(record.value)) for record in found.records]
            + [(dead_letter.offset, dead_letter.code) for dead_letter in found.dead_letters]
        )

    together = outcome(message_chunk(values))
    alone = [(offset, outcome(message_chunk([value]))[0][1]) for offset, value in enumerate(values)]
    assert together == alone


@pytest.mark.parametrize("word", ["json", "connect_json", "string", "long"])
def test_values_and_keys_that_are_too_long_are_rejected(word: str) -> None:
    """Before anything is made of them; one of exactly the limit is decoded."""
    made = settings(
        format={"value": word, "key": "string", "max_bytes": 8},
        table={"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]},
    )
    fits = {"json": b"12345678", "string": b"12345678", "long": b"\0" * 8}
    values = [b"9" * 9, fits.get(word, b"x"), fits.get(word, b"x")]
    found = ChunkDecoder(made).decode_chunk(message_chunk(values, keys=[b"k", b"k" * 9, b"k" * 8]))
    sizes = [one for one in found.dead_letters if one.code.endswith("_size")]
    assert [(one.offset, one.code) for one in sizes] == [
        (0, "value_size"),
        (1, "key_size"),
    ]
    assert "format.max_bytes" in sizes[0].reason
    assert len(found.records) == (1 if word in fits else 0)


def test_the_fast_path_counts_bytes_and_values_too() -> None:
    """Where the mapping would decode for itself."""
    bomb = b'{"a":[' + b"[]," * 600_000 + b"1]}"
    found = ChunkDecoder(settings()).decode_chunk(message_chunk([b'{"a":1}', bomb, b'{"a":2}']))
    assert [record.value for record in found.records] == [{"a": 1}, {"a": 2}]
    assert [dead_letter.code for dead_letter in found.dead_letters] == ["value_json_values"]
    small = ChunkDecoder(settings(format={"max_bytes": 7}))
    chunk = small.decode_chunk(message_chunk([b'{"a":1}', b'{"a":11}']))
    assert [dead_letter.code for dead_letter in chunk.dead_letters] == ["value_size"]


def test_an_unexpected_exception_rejects_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception of a format rejects the record: its class, without the value."""

    def decode(data: bytes) -> int:
        if data == CANARY.encode():
            raise ZeroDivisionError(CANARY)
        return len(data)

    monkeypatch.setattr(primitives, "plain_bytes", decode)
    values = [b"1", CANARY.encode(), b"333"]
    found = ChunkDecoder(settings(format={"value": "bytes"})).decode_chunk(message_chunk(values))
    assert [record.value for record in found.records] == [1, 3]
    (dead_letter,) = found.dead_letters
    assert (dead_letter.offset, dead_letter.code) == (1, "value_decode_failed")
    assert "ZeroDivisionError" in dead_letter.reason
    assert CANARY not in dead_letter.reason
