"""Dead letters back to messages: what stands in the topic may be anybody's."""

from __future__ import annotations

import time

import pytest

from connectors.dead_letters.headers import BLOCK, REPLAYS, headers_of, replays
from connectors.records import Chunk, DeadLetter, Header, Original, PlainMessage, Segment
from connectors.replay.restore import Restorer, shown, would_send
from tests.unit.factories import new_run, wire_of

LETTER = DeadLetter(
    "orders", 3, 70, "map", "key_missing", "no key", (1234, b"k", b"v", (("own", b"1"),))
)


def restored(headers: list[Header]) -> list[Chunk]:
    message = PlainMessage("dead", 0, 9, key=b"k", value=b"v", headers=headers)
    return Restorer(new_run()).restore(Chunk("dead", 0, [message]))


def test_a_letter_is_its_record_again() -> None:
    """Place, time, bytes and own headers are the record's; the replay is counted in a header."""
    ((topic, partition, (message,), once),) = restored(headers_of(LETTER, "group"))
    assert (topic, partition, message.offset(), message.timestamp()) == ("orders", 3, 70, (1, 1234))
    assert (message.key(), message.value()) == (b"k", b"v")
    assert not once, "the same letter may come again"
    assert message.headers() == [("own", b"1"), (REPLAYS, b"1")]


@pytest.mark.parametrize("place", [1, 2, 10, 11], ids=["partition", "offset", "time", "replays"])
@pytest.mark.parametrize("value", [b"x", b"\xff", b"9" * 5000])
def test_forged_headers_end_nothing(
    place: int, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that only looks like a letter is left alone and told by its place."""
    headers = headers_of(LETTER, "group")
    at = len(headers) - len(BLOCK) + place
    headers[at] = headers[at][0], value
    assert restored(headers) == []
    assert "topic dead partition 0 offset 9" in caplog.text


def test_a_forged_count_of_replays_is_none() -> None:
    """The header may come from the source topic, on any record."""
    assert replays([(REPLAYS, b"9" * 5000)]) == 0
    assert replays([(REPLAYS, b"7")]) == 7


def letter_at(offset: int, code: str = "key_missing") -> PlainMessage:
    dead_letter = LETTER._replace(offset=offset, code=code)
    return PlainMessage(
        "dead", 0, offset, key=b"k", value=b"v", headers=headers_of(dead_letter, "g")
    )


def test_no_letter_is_passed_over_for_the_count() -> None:
    """So many of the selected ones are admitted, others in between too; behind them none."""
    run = new_run(replay={"count": 2, "codes": ["key_missing"]})
    restorer = Restorer(run)
    codes = ["other", "key_missing", "other", "key_missing", "other", "key_missing"]
    admitted = [restorer.admits(letter_at(at, code)) for at, code in enumerate(codes)]
    assert admitted == [True, True, True, True, False, False]
    assert run.drain_reason is not None


def test_the_rate_is_kept() -> None:
    """Ten chunks of five letters at 200 a second take what 45 letters take, and no drain waits."""
    run = new_run(replay={"rate": 200.0})
    restorer = Restorer(run)
    began = time.monotonic()
    for _ in range(10):
        restorer.restore(Chunk("dead", 0, [letter_at(at) for at in range(5)]))
    assert 0.2 < time.monotonic() - began < 2
    run = new_run(replay={"rate": 0.01})
    restorer = Restorer(run)
    run.drain("a signal")
    began = time.monotonic()
    for _ in range(3):
        restorer.restore(Chunk("dead", 0, [letter_at(0)]))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("payload", [False, True])
def test_a_dry_run_shows_values_only_when_asked(payload: bool) -> None:
    """Place, table and size, or place and reason; key and value are personal data."""
    kept: Original = (None, b"key-bytes", b"value-bytes", ())
    segment = Segment("t", "orders", 3, [b"x"], wire_of(20), [70], [kept], [20], [])
    rejected = LETTER._replace(original=kept)
    message = PlainMessage("orders", 3, 70, key=b"key-bytes", value=b"value-bytes")
    lines = [
        *shown(([segment], [rejected]), payload),
        *would_send(Chunk("orders", 3, [message]), payload),
    ]
    assert [line.split(":")[0] for line in lines] == ["would write", "would reject", "would send"]
    for line in lines:
        assert ("key-bytes" in line, "value-bytes" in line) == (payload, payload)
