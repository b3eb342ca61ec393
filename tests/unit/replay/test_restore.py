"""Dead letters back to messages: any producer may write to the topic."""

from __future__ import annotations

import time

import pytest

from connectors.dead_letters.headers import BLOCK, REPLAYS, headers_of, replays
from connectors.records import Chunk, DeadLetter, Header, PlainMessage
from connectors.replay.restore import Restorer
from tests.unit.factories import new_run

DEAD_LETTER = DeadLetter(
    "orders", 3, 70, "map", "key_missing", "no key", (1234, b"k", b"v", (("own", b"1"),))
)


def restored(headers: list[Header]) -> list[Chunk]:
    message = PlainMessage("dead", 0, 9, key=b"k", value=b"v", headers=headers)
    return Restorer(new_run()).restore(Chunk("dead", 0, [message]))


def test_a_dead_letter_is_its_record_again() -> None:
    """Coordinates, time, bytes and own headers are the record's; a header counts the replays."""
    ((topic, partition, (message,), offsets_unique),) = restored(headers_of(DEAD_LETTER, "group"))
    assert (topic, partition, message.offset(), message.timestamp()) == ("orders", 3, 70, (1, 1234))
    assert (message.key(), message.value()) == (b"k", b"v")
    assert not offsets_unique, "the same dead letter may come again"
    assert message.headers() == [("own", b"1"), (REPLAYS, b"1")]


@pytest.mark.parametrize("index", [1, 2, 10, 11], ids=["partition", "offset", "time", "replays"])
@pytest.mark.parametrize("value", [b"x", b"\xff", b"9" * 5000])
def test_forged_headers_end_nothing(
    index: int, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that only looks like a dead letter is skipped, and the log has its coordinates."""
    headers = headers_of(DEAD_LETTER, "group")
    position = len(headers) - len(BLOCK) + index
    headers[position] = headers[position][0], value
    assert restored(headers) == []
    assert "topic dead partition 0 offset 9" in caplog.text


def test_a_forged_count_of_replays_is_none() -> None:
    """The header may come from the source topic, on any record."""
    assert replays([(REPLAYS, b"9" * 5000)]) == 0
    assert replays([(REPLAYS, b"7")]) == 7


def dead_letter_at(offset: int, code: str = "key_missing") -> PlainMessage:
    dead_letter = DEAD_LETTER._replace(offset=offset, code=code)
    return PlainMessage(
        "dead", 0, offset, key=b"k", value=b"v", headers=headers_of(dead_letter, "g")
    )


def test_no_dead_letter_is_passed_over_for_the_count() -> None:
    """So many of the selected ones are admitted, others in between too; after them none."""
    run = new_run(replay={"count": 2, "codes": ["key_missing"]})
    restorer = Restorer(run)
    codes = ["other", "key_missing", "other", "key_missing", "other", "key_missing"]
    admitted = [restorer.admits(dead_letter_at(at, code)) for at, code in enumerate(codes)]
    assert admitted == [True, True, True, True, False, False]
    assert run.drain_reason is not None


def test_the_rate_is_kept() -> None:
    """Ten chunks of five at 200 a second take as long as 45 dead letters, and no drain waits."""
    run = new_run(replay={"rate": 200.0})
    restorer = Restorer(run)
    began = time.monotonic()
    for _ in range(10):
        restorer.restore(Chunk("dead", 0, [dead_letter_at(offset) for offset in range(5)]))
    assert 0.2 < time.monotonic() - began < 2
    run = new_run(replay={"rate": 0.01})
    restorer = Restorer(run)
    run.drain("a signal")
    began = time.monotonic()
    for _ in range(3):
        restorer.restore(Chunk("dead", 0, [dead_letter_at(0)]))
    assert time.monotonic() - began < 1
