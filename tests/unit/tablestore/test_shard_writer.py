"""Lanes: back-pressure, draining, and how they end with the run."""

import threading
from collections.abc import Sequence

import pytest

from connectors.errors import StopRun
from connectors.tablestore.verdicts import RequestFailed, Verdict
from tests.support.wait import until
from tests.unit.factories import batch, dead_letter, new_run
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    DENIED,
    OK,
    QUICK,
    Change,
    Writing,
    answers,
    changes,
    tolerant,
)


def test_a_full_lane_blocks() -> None:
    """Back-pressure: beyond the batch in flight a lane holds `queue` more, and never another."""
    submitted = 0
    with Writing(tolerant(queue=2)) as writing:
        lane = writing.lane()
        writing.fake.gate.clear()
        seen: list[int] = []
        writing.fake.reply = lambda _: seen.append(submitted)

        def feed() -> None:
            nonlocal submitted
            for number in range(12):
                lane.submit([changes(("k", number), start=number)])
                submitted += 1

        thread = threading.Thread(target=feed)
        thread.start()
        until(lambda: submitted >= 3, "three batches were taken")
        until(lambda: len(writing.fake.requests) == 1, "the first is in flight")
        assert thread.is_alive()
        writing.fake.gate.set()
        thread.join()
        lane.drain()
        assert seen[0] == 3
        assert all(taken <= done + 3 for done, taken in enumerate(seen))
        assert writing.fake.rows["orders", "k"] == "11"


def test_lanes_write_at_the_same_time() -> None:
    """Many lanes have a request each in flight; one lane never has two."""
    with Writing(tolerant()) as writing:
        writing.fake.gate.clear()
        lanes = [writing.lane() for _ in range(5)]
        for number, lane in enumerate(lanes):
            lane.submit([changes((f"k{number}", 1)), changes((f"k{number}", 2))])
        until(lambda: len(writing.fake.requests) == 5, "one request a lane")
        writing.fake.gate.set()
        for lane in lanes:
            lane.drain()
        assert writing.fake.most_in_flight == 5
        assert len(writing.fake.requests) == 10
        assert set(writing.fake.rows.values()) == {"2"}


def test_a_drain_waits_for_everything() -> None:
    """drain() returns after the last row of its lane is settled, rejected ones included."""
    with Writing(tolerant(), answers([BUSY], [BUSY])) as writing:
        lane = writing.lane()
        writing.fake.gate.clear()
        lane.submit([changes(("a", 1)), changes(("b", 2)), batch([], [dead_letter(5)])])
        done = threading.Event()
        applied: list[int] = []

        def drain() -> None:
            lane.drain()
            applied.append(len(writing.fake.applied))
            done.set()

        thread = threading.Thread(target=drain)
        thread.start()
        until(lambda: writing.fake.requests, "it began")
        assert not done.is_set()
        writing.fake.gate.set()
        thread.join()
        assert applied == [2]
        assert writing.counts == {"written": 2, "retried": 2, "rejected": 1}


def test_a_drain_of_nothing_is_done() -> None:
    """An idle lane has nothing to wait for, before and after work."""
    with Writing(tolerant()) as writing:
        lane = writing.lane()
        lane.drain()
        lane.submit([])
        lane.drain()
        lane.submit([changes(("a", 1))])
        lane.drain()
        lane.drain()
        assert writing.counts == {"written": 1}


STOPS: dict[str, Sequence[Verdict] | Exception] = {
    "whole request": RequestFailed(DENIED, DENIED.code),
    "one row": [OK, DENIED],
}


@pytest.mark.P5
@pytest.mark.parametrize("kind", STOPS)
def test_a_refusal_of_everything_stops_the_run(kind: str) -> None:
    """P5: submit and drain of every lane raise it; nothing is set aside or sent any more."""
    run = tolerant()
    with Writing(run, answers(STOPS[kind])) as writing:
        lane, other = writing.lane(), writing.lane()
        writing.fake.gate.clear()
        lane.submit([changes(("a", 1), ("b", 2)), changes(("c", 3))])
        writing.fake.gate.set()
        for call in (lane.drain, other.drain, lambda: lane.submit([changes(("d", 4))])):
            with pytest.raises(StopRun, match=r"table orders.*refuses everything"):
                call()
        with pytest.raises(StopRun):
            other.submit([changes(("e", 5))])
        assert isinstance(run.failure, StopRun)
        assert len(writing.fake.requests) == 1
        assert "rejected" not in writing.counts


def test_a_retrying_lane_ends_with_the_run() -> None:
    """A lane in trouble stops trying once another part of the run has failed."""
    run = tolerant()
    with Writing(run, lambda found: [BUSY] * len(found)) as writing:
        lane = writing.lane()
        lane.submit([changes(("a", 1))])
        until(lambda: len(writing.fake.requests) > 3, "it tries")
        run.fail(StopRun("elsewhere"))
        with pytest.raises(StopRun, match="elsewhere"):
            lane.drain()
        until(lambda: not lane._busy, "it has stopped")
        tries = len(writing.fake.requests)
        with pytest.raises(StopRun, match="elsewhere"):
            lane.submit([changes(("b", 1))])
        assert len(writing.fake.requests) == tries


def test_a_halving_lane_ends_with_the_run() -> None:
    """A lane that looks for a bad row stops doing so once another part of the run has failed."""
    run = tolerant()
    with Writing(run) as writing:

        def reply(_: list[Change]) -> None:
            run.fail(StopRun("elsewhere"))
            raise RequestFailed(BAD, BAD.code)

        writing.fake.reply = reply
        lane = writing.lane()
        lane.submit([changes(*[(f"k{number}", 1) for number in range(64)])])
        with pytest.raises(StopRun, match="elsewhere"):
            lane.drain()
        until(lambda: not lane._busy, "it has stopped")
        assert len(writing.fake.requests) == 1
        assert writing.counts == {}


def test_a_blocked_submit_is_told_of_a_failure() -> None:
    """A worker that waits for room is woken when the run fails."""
    run = tolerant(queue=1)
    with Writing(run) as writing:
        lane = writing.lane()
        writing.fake.gate.clear()
        raised: list[BaseException] = []

        def feed() -> None:
            try:
                lane.submit([changes(("k", number)) for number in range(9)])
            except StopRun as error:
                raised.append(error)

        thread = threading.Thread(target=feed)
        thread.start()
        until(lambda: len(lane._batches) == 2, "the lane is full")
        run.fail(StopRun("elsewhere"))
        thread.join()
        assert [str(error) for error in raised] == ["elsewhere"]


def test_a_mistake_of_ours_stops_the_run() -> None:
    """An exception that nobody foresaw is not swallowed: it comes out of submit and drain."""
    with Writing(tolerant(), answers(ZeroDivisionError("ours"))) as writing:
        lane = writing.lane()
        lane.submit([changes(("a", 1))])
        for call in (lane.drain, lambda: lane.submit([changes(("b", 1))])):
            with pytest.raises(ZeroDivisionError, match="ours"):
                call()


@pytest.mark.parametrize("waiting", ["drain", "submit"])
def test_an_overdue_drain_gives_up(waiting: str) -> None:
    """After shutdown.deadline it says what it waited for, and that nothing is lost."""
    run = new_run(
        tablestore={**QUICK, "queue": 1},
        errors={"tolerance": "all"},
        shutdown={"deadline": 0.01},
    )
    with Writing(run) as writing:
        lane = writing.lane()
        writing.fake.gate.clear()
        lane.submit([changes(("a", 1))])
        run.drain("SIGTERM")
        more = [changes(("b", number)) for number in range(5)]
        with pytest.raises(StopRun) as caught:
            lane.drain() if waiting == "drain" else lane.submit(more)
        for word in ("SIGTERM", "shutdown.deadline", "0.01", "last snapshot"):
            assert word in str(caught.value)


def test_a_lane_closed_with_work_left_sends_no_more() -> None:
    """close() promises nothing: what is in flight ends, what waits is forgotten; twice is once."""
    with Writing(tolerant()) as writing:
        lane, _ = writing.lane(), writing.lane()  # the other keeps the loop going
        writing.fake.gate.clear()
        lane.submit([changes(("a", 1)), changes(("b", 1))])
        until(lambda: writing.fake.requests, "it began")
        lane.close()
        lane.close()
        writing.fake.gate.set()
        until(lambda: not lane._busy, "it has stopped")
        assert [request[0].key for request in writing.fake.requests] == ["a"]


def test_the_last_lane_closes_the_connections() -> None:
    """The client is closed once, when no lane is left; then lanes can be opened anew."""
    with Writing(tolerant()) as writing:
        first, second = writing.lane(), writing.lane()
        first.close()
        assert writing.fake.closed == 0
        second.submit([changes(("a", 1))])
        second.drain()
        second.close()
        until(lambda: writing.fake.closed == 1, "the loop has stopped")
        writing.write(changes(("b", 1)))
        assert set(writing.fake.rows) == {("orders", "a"), ("orders", "b")}
