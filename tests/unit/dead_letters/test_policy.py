"""The error policy: when a run stops, where dead letters go, what is counted and logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from prometheus_client import generate_latest

from connectors.dead_letters.destinations import LogDestination
from connectors.dead_letters.headers import BLOCK, headers_of, own_headers, replays
from connectors.dead_letters.policy import ErrorPolicy
from connectors.errors import StopRun
from connectors.records import DeadLetter
from tests.unit.factories import CANARY, dead_letter, new_run


class Kept:
    """A destination that keeps what it gets."""

    def __init__(self) -> None:
        self.dead_letters: list[DeadLetter] = []

    def prepare(self) -> None:
        """Do nothing: no check is needed."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Keep the dead letters in memory."""
        self.dead_letters += dead_letters

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def with_bytes(offset: int = 0, *headers: tuple[str, bytes | None]) -> DeadLetter:
    """A dead letter that carries its record."""
    return dead_letter(offset)._replace(original=(5, b"k", CANARY.encode(), headers))


def test_a_count_brakes() -> None:
    """max_rejected 3: the fourth stops the run, and is not sent: the next start reads it again."""
    run = new_run(errors={"tolerance": "all", "max_rejected": 3})
    kept = Kept()
    policy = ErrorPolicy(run, kept)
    asyncio.run(policy.handle([dead_letter(0), dead_letter(1), dead_letter(2)]))
    with pytest.raises(StopRun, match=r"max_rejected.*\n.*remedy"):
        asyncio.run(policy.handle([dead_letter(3)]))
    assert [one.offset for one in kept.dead_letters] == [0, 1, 2]
    assert run.counts.snapshot()["rejected"] == 3


def test_a_share_brakes() -> None:
    """More than a tenth of the last 100 records stops the run; a tenth does not."""
    errors = {"tolerance": "all", "max_rejected_share": 0.1, "max_rejected_window": 100}
    run = new_run(errors=errors)
    policy = ErrorPolicy(run, Kept())
    for _ in range(20):
        run.counts.add("read", 50)
        asyncio.run(policy.handle([dead_letter(n) for n in range(5)]))
    run.counts.add("read", 50)
    with pytest.raises(StopRun, match="max_rejected_share"):
        asyncio.run(policy.handle([dead_letter(n) for n in range(9)]))


def test_a_share_of_few_records_brakes_nothing() -> None:
    """A first bad record among few is no bad stream."""
    errors = {"tolerance": "all", "max_rejected_share": 0.1, "max_rejected_window": 100}
    run = new_run(errors=errors)
    policy = ErrorPolicy(run, Kept())
    run.counts.add("read", 99)
    asyncio.run(policy.handle([dead_letter(n) for n in range(99)]))
    run.counts.add("read", 1)
    with pytest.raises(StopRun):
        asyncio.run(policy.handle([dead_letter(99)]))


def test_old_trouble_is_forgotten() -> None:
    """What was bad long ago does not count against the last records."""
    errors = {"tolerance": "all", "max_rejected_share": 0.5, "max_rejected_window": 100}
    run = new_run(errors=errors)
    policy = ErrorPolicy(run, Kept())
    run.counts.add("read", 99)
    asyncio.run(policy.handle([dead_letter(n) for n in range(99)]))
    run.counts.add("read", 1000)
    asyncio.run(policy.handle([dead_letter(2000)]))
    run.counts.add("read", 100)
    asyncio.run(policy.handle([dead_letter(2001 + n) for n in range(49)]))


def test_rejections_are_counted_by_reason_and_destination() -> None:
    """Prometheus' default registry has them; the last ten are kept with place and no payload."""
    run = new_run(errors={"tolerance": "all", "dead_letters": "kafka"})
    policy = ErrorPolicy(run, Kept())
    asyncio.run(policy.handle([with_bytes(n) for n in range(12)]))
    shown = generate_latest().decode()
    wanted = 'sync_rejections_total{code="json_invalid",destination="kafka",stage="decode"} 12.0'
    assert wanted in shown
    last = run.counts.last_rejected()
    assert len(last) == 10
    assert "offset 2:" in last[0]
    assert "offset 11:" in last[-1]
    assert CANARY not in shown + "".join(last)


@pytest.mark.parametrize("asked", [False, True])
def test_payload_is_logged_only_when_asked_for(
    caplog: pytest.LogCaptureFixture, asked: bool
) -> None:
    """errors.log_payload alone brings key and value into the log."""
    run = new_run(errors={"tolerance": "all", "log_payload": asked})
    with caplog.at_level(logging.WARNING, "sync.rejected"):
        asyncio.run(LogDestination(run).send([with_bytes(7)]))
    assert "offset 7" in caplog.text
    assert (CANARY in caplog.text) == asked
    assert run.settings.errors.needs_original == asked


def test_headers_of_a_dead_letter() -> None:
    """Its own headers as they were, then the block, whose replay count is the record's."""
    own = (("a", b"\xff"), ("a", None), ("__tablestore_sync.replays", b"2"))
    headers = headers_of(with_bytes(3, *own), "group")
    assert headers[:2] == [("a", b"\xff"), ("a", None)]
    assert tuple(name for name, _ in headers[2:]) == BLOCK
    assert replays(headers) == 2
    assert replays(own_headers(headers)) == 0
    assert all(CANARY.encode() not in (value or b"") for _, value in headers)


def test_a_dead_letter_without_its_bytes_stops() -> None:
    """A row that waited since a run that kept no bytes: no dead letter is made up."""
    with pytest.raises(StopRun, match=r"offset 3.*\n.*remedy"):
        headers_of(dead_letter(3), "group")
