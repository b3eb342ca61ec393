"""The sink: one partition a shard; back-pressure; a snapshot waits, a close promises nothing."""

import threading
from collections.abc import Sequence

import pytest

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.steps import error_policy, topics_tables
from connectors.tablestore.sink import TablestoreSink
from connectors.tablestore.verdicts import RequestFailed, Verdict
from tests.support.wait import until
from tests.unit.factories import batch, dead_letter, new_run
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    DENIED,
    KAFKA_SHAPE,
    OK,
    SHORT_WAITS,
    Change,
    FakeClient,
    Writing,
    answers,
    changes,
    table_writer,
    tolerant,
)

SHARDS = ["0", "1", "2"]


def sink(run: Run) -> tuple[TablestoreSink, FakeClient]:
    """A sink on a fake client that has the table orders."""
    fake = FakeClient()
    fake.shapes = {"orders": KAFKA_SHAPE}
    writer = table_writer(run, fake)
    return TablestoreSink(run, SHARDS, topics_tables(run), writer, error_policy(run, writer)), fake


def test_making_a_sink_connects_to_nothing() -> None:
    """Building the graph, for a picture of it or a test, opens no connection."""
    _, fake = sink(new_run())
    assert (fake.described, fake.requests) == ([], [])


def test_known_tables_are_looked_at_before_anything_is_read() -> None:
    """list_parts, which Bytewax calls at the start, checks the tables of the named topics."""
    made, fake = sink(new_run())
    assert made.list_parts() == SHARDS
    assert fake.described == ["orders"]
    fake.shapes.clear()
    other, fake = sink(new_run())
    fake.shapes.clear()
    with pytest.raises(StopRun, match="orders"):
        other.list_parts()


def test_topics_found_by_a_pattern_are_looked_at_later() -> None:
    """Their tables are not known at the start."""
    made, fake = sink(new_run(kafka={"topics_pattern": ".*"}))
    assert made.list_parts() == SHARDS
    assert fake.described == []


def test_each_shard_has_its_partition() -> None:
    """The key is the shard's number, padded or not."""
    made, _ = sink(new_run())
    assert [made.part_fn(key) for key in ("0", "00", "07", "63")] == [0, 0, 7, 63]


@pytest.mark.P1
def test_a_snapshot_waits_for_every_row() -> None:
    """P1: it returns after all that was handed over is written."""
    made, fake = sink(new_run(tablestore={"retry_initial": 0.001, "retry_max": 0.001}))
    left = [5]

    def reply(found: list[object]) -> list[object] | None:
        left[0] -= 1
        return [BUSY] * len(found) if left[0] > 0 else None

    fake.reply = reply  # type: ignore[assignment]
    partition = made.build_part("write", "0", None)
    partition.write_batch([changes(("a", 1)), changes(("b", 2))])
    partition.snapshot()
    assert fake.rows == {("orders", "a"): "1", ("orders", "b"): "2"}
    partition.close()


@pytest.mark.P1
def test_a_snapshot_of_a_failed_run_raises() -> None:
    """P1: what cannot be written keeps the epoch from closing, so no offset moves."""
    made, fake = sink(new_run())
    fake.reply = lambda found: [DENIED] * len(found)
    partition, other = made.build_part("write", "0", None), made.build_part("write", "1", None)
    partition.write_batch([changes(("a", 1))])
    for _ in range(2):
        with pytest.raises(StopRun):
            partition.snapshot()
    with pytest.raises(StopRun):
        other.snapshot()
    with pytest.raises(StopRun):
        other.write_batch([changes(("b", 1))])
    partition.close()
    other.close()
    other.close()


def test_a_full_shard_blocks() -> None:
    """Back-pressure: beyond the batch in flight a shard holds `queue` more, and never another."""
    submitted = 0
    with Writing(tolerant(queue=2)) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        seen: list[int] = []
        writing.fake.reply = lambda _: seen.append(submitted)

        def feed() -> None:
            nonlocal submitted
            for number in range(12):
                shard.write_batch([changes(("k", number), start=number)])
                submitted += 1

        thread = threading.Thread(target=feed)
        thread.start()
        until(lambda: submitted >= 3, "three batches were taken")
        until(lambda: len(writing.fake.requests) == 1, "the first is in flight")
        assert thread.is_alive()
        writing.fake.gate.set()
        thread.join()
        shard.snapshot()
        assert seen[0] == 3
        assert all(taken <= done + 3 for done, taken in enumerate(seen))
        assert writing.fake.rows["orders", "k"] == "11"


def test_shards_write_at_the_same_time() -> None:
    """Many shards have a request each in flight, once some were written; one never has two."""
    with Writing(tolerant()) as writing:
        first = writing.shard()
        for number in range(5):
            first.write_batch([changes((f"first{number}", 2))])
        first.snapshot()
        writing.fake.gate.clear()
        shards = [writing.shard() for _ in range(5)]
        for number, shard in enumerate(shards):
            shard.write_batch([changes((f"k{number}", 1)), changes((f"k{number}", 2))])
        until(lambda: len(writing.fake.requests) == 10, "one request a shard")
        writing.fake.gate.set()
        for shard in shards:
            shard.snapshot()
        assert writing.fake.max_in_flight == 5
        assert len(writing.fake.requests) == 15
        assert set(writing.fake.rows.values()) == {"2"}


def test_a_snapshot_waits_for_everything() -> None:
    """snapshot() returns after the last row of its shard is written or rejected."""
    with Writing(tolerant(), answers([BUSY], [BUSY])) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        shard.write_batch([changes(("a", 1)), changes(("b", 2)), batch([], [dead_letter(5)])])
        done = threading.Event()
        applied: list[int] = []

        def snapshot() -> None:
            shard.snapshot()
            applied.append(len(writing.fake.applied))
            done.set()

        thread = threading.Thread(target=snapshot)
        thread.start()
        until(lambda: writing.fake.requests, "it began")
        assert not done.is_set()
        writing.fake.gate.set()
        thread.join()
        assert applied == [2]
        assert writing.counts == {"written": 2, "retried": 2, "rejected": 1}


def test_a_snapshot_of_nothing_returns() -> None:
    """An idle shard has nothing to wait for, before and after work."""
    with Writing(tolerant()) as writing:
        shard = writing.shard()
        shard.snapshot()
        shard.write_batch([])
        shard.snapshot()
        shard.write_batch([changes(("a", 1))])
        shard.snapshot()
        shard.snapshot()
        assert writing.counts == {"written": 1}


STOPS: dict[str, Sequence[Verdict] | Exception] = {
    "whole request": RequestFailed(DENIED, DENIED.code),
    "one row": [OK, DENIED],
}


@pytest.mark.P5
@pytest.mark.parametrize("kind", STOPS)
def test_a_stop_verdict_stops_the_run(kind: str) -> None:
    """P5: every shard raises it from then on; nothing is rejected or sent any more."""
    run = tolerant()
    with Writing(run, answers(STOPS[kind])) as writing:
        shard, other = writing.shard(), writing.shard()
        writing.fake.gate.clear()
        shard.write_batch([changes(("a", 1), ("b", 2)), changes(("c", 3))])
        writing.fake.gate.set()
        for call in (
            shard.snapshot,
            other.snapshot,
            lambda: shard.write_batch([changes(("d", 4))]),
        ):
            with pytest.raises(StopRun, match=r"table orders.*denies every request"):
                call()
        with pytest.raises(StopRun):
            other.write_batch([changes(("e", 5))])
        assert isinstance(run.failure, StopRun)
        assert len(writing.fake.requests) == 1
        assert "rejected" not in writing.counts


def test_a_retrying_shard_ends_with_the_run() -> None:
    """A shard in trouble stops trying once another part of the run has failed."""
    run = tolerant()
    with Writing(run, lambda found: [BUSY] * len(found)) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1))])
        until(lambda: len(writing.fake.requests) > 3, "it tries")
        run.fail(StopRun("elsewhere"))
        with pytest.raises(StopRun, match="elsewhere"):
            shard.snapshot()
        until(lambda: not shard._busy, "it has stopped")
        tries = len(writing.fake.requests)
        with pytest.raises(StopRun, match="elsewhere"):
            shard.write_batch([changes(("b", 1))])
        assert len(writing.fake.requests) == tries


def test_a_halving_shard_ends_with_the_run() -> None:
    """A shard that looks for a bad row stops doing so once another part of the run has failed."""
    run = tolerant()
    with Writing(run) as writing:

        def reply(_: list[Change]) -> None:
            run.fail(StopRun("elsewhere"))
            raise RequestFailed(BAD, BAD.code)

        writing.fake.reply = reply
        shard = writing.shard()
        shard.write_batch([changes(*[(f"k{number}", 1) for number in range(64)])])
        with pytest.raises(StopRun, match="elsewhere"):
            shard.snapshot()
        until(lambda: not shard._busy, "it has stopped")
        assert len(writing.fake.requests) == 1
        assert writing.counts == {}


def test_a_blocked_worker_is_woken_by_a_failure() -> None:
    """A worker that waits for room is woken when the run fails."""
    run = tolerant(queue=1)
    with Writing(run) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        raised: list[BaseException] = []

        def feed() -> None:
            try:
                shard.write_batch([changes(("k", number)) for number in range(9)])
            except StopRun as error:
                raised.append(error)

        thread = threading.Thread(target=feed)
        thread.start()
        until(lambda: len(shard._batches) == 2, "the shard is full")
        run.fail(StopRun("elsewhere"))
        thread.join()
        assert [str(error) for error in raised] == ["elsewhere"]


def test_a_mistake_of_ours_stops_the_run() -> None:
    """An unexpected exception is not swallowed: write_batch and snapshot raise it."""
    with Writing(tolerant(), answers(ZeroDivisionError("ours"))) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1))])
        for call in (shard.snapshot, lambda: shard.write_batch([changes(("b", 1))])):
            with pytest.raises(ZeroDivisionError, match="ours"):
                call()


@pytest.mark.parametrize("waiting", ["snapshot", "write_batch"])
def test_an_overdue_drain_gives_up(waiting: str) -> None:
    """After shutdown.deadline it says what it waited for, and that nothing is lost."""
    run = new_run(
        tablestore={**SHORT_WAITS, "queue": 1},
        errors={"tolerance": "all"},
        shutdown={"deadline": 0.01},
    )
    with Writing(run) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        shard.write_batch([changes(("a", 1))])
        run.drain("SIGTERM")
        more = [changes(("b", number)) for number in range(5)]
        with pytest.raises(StopRun) as caught:
            shard.snapshot() if waiting == "snapshot" else shard.write_batch(more)
        for word in ("SIGTERM", "shutdown.deadline", "0.01", "last snapshot"):
            assert word in str(caught.value)


def test_a_shard_closed_with_work_left_sends_no_more() -> None:
    """close() promises nothing: what is in flight ends, what waits is forgotten; twice is once."""
    with Writing(tolerant()) as writing:
        shard, _ = writing.shard(), writing.shard()  # the other keeps the loop going
        writing.fake.gate.clear()
        shard.write_batch([changes(("a", 1)), changes(("b", 1))])
        until(lambda: writing.fake.requests, "it began")
        shard.close()
        shard.close()
        writing.fake.gate.set()
        until(lambda: not shard._busy, "it has stopped")
        assert [request[0].key for request in writing.fake.requests] == ["a"]


def test_the_last_shard_closes_the_connections() -> None:
    """The client is closed once, when no shard is left; then shards can be made again."""
    with Writing(tolerant()) as writing:
        first, second = writing.shard(), writing.shard()
        first.close()
        assert writing.fake.closed == 0
        second.write_batch([changes(("a", 1))])
        second.snapshot()
        second.close()
        until(lambda: writing.fake.closed == 1, "the loop has stopped")
        writing.write(changes(("b", 1)))
        assert set(writing.fake.rows) == {("orders", "a"), ("orders", "b")}


def test_a_closed_sink_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """A request in flight is cancelled and the loop is closed: no task is destroyed unfinished."""
    with Writing(tolerant()) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        shard.write_batch([changes(("a", 1))])
        until(lambda: writing.fake.requests, "it began")
        task, loop = shard._task, shard._loop
        shard.close()
        until(loop.is_closed, "the loop is closed")
        assert task.cancelled()
    assert caplog.records == []
