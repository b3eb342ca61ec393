"""The message in place of records that cannot be read."""

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import Chunk, RecordChunk, SkippedBatch
from tests.unit.factories import settings


def test_it_becomes_one_dead_letter_that_names_the_offsets() -> None:
    """It passes the decode step in any format; its dead letter has no bytes."""
    skipped = SkippedBatch("orders", 3, 70, 82, "said the client")
    for value in ("json", "string"):
        decoder = ChunkDecoder(settings(format={"value": value}), keep_original=True)
        found = decoder.decode_chunk(Chunk("orders", 3, [skipped]))
        assert isinstance(found, RecordChunk)
        (dead_letter,) = found.dead_letters
        assert found.records == []
        assert dead_letter.coordinates == "topic orders partition 3 offset 70"
        assert (dead_letter.stage, dead_letter.code) == ("decode", "value_unreadable")
        for words in ("offsets 70 to 81", "said the client"):
            assert words in dead_letter.reason
        assert dead_letter.original == (None, None, None, ())
