"""Lanes: every row written or set aside, in the order of its key, whatever the service answers."""

import itertools
import logging
import random
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.outcomes import Retry, Stop, StopRun, Verdict
from connectors.run.context import Run
from connectors.tablestore.client import RequestFailed
from tests.support.waiting import until
from tests.unit.making import CANARY, batch, letter, new_run
from tests.unit.tablestore.service import (
    BAD,
    BUSY,
    DENIED,
    GONE,
    OK,
    Change,
    Reply,
    Writing,
    change,
    changes,
)

QUICK = {"retry_initial": 0.0005, "retry_max": 0.001, "queue": 2}


def tolerant(**tablestore: object) -> Run:
    """A run that sets rejected rows aside."""
    return new_run(tablestore={**QUICK, **tablestore}, errors={"tolerance": "all"})


def strict() -> Run:
    """A run that stops at the first rejected row."""
    return new_run(tablestore=QUICK)


def answers(*replies: Sequence[Verdict] | Exception | None) -> Reply:
    """One reply a request, in this order; after the last everything is written."""
    left = list(replies)

    def reply(_: list[Change]) -> Sequence[Verdict] | None:
        if not left:
            return None
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return reply


def refused(*bad: tuple[str, str]) -> Reply:
    """The whole request is refused when it holds one of these (key, value) pairs."""

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if any((change.key, change.value) in bad for change in found):
            raise RequestFailed(BAD, BAD.code)
        return None

    return reply


def test_a_batch_is_one_request() -> None:
    """All rows in their order, one request, all counted."""
    with Writing(tolerant()) as writing:
        writing.write(changes(("a", 1), ("b", 2), ("c", 3)))
        (request,) = writing.fake.requests
        assert request == [
            Change("orders", "a", "1"),
            Change("orders", "b", "2"),
            Change("orders", "c", "3"),
        ]
        assert writing.counts == {"written": 3}


def test_only_failed_rows_are_sent_again() -> None:
    """Of five rows two are busy, then one of them still: three requests, five, two, one rows."""
    with Writing(tolerant(), answers([OK, BUSY, OK, BUSY, OK], [BUSY, OK], None)) as writing:
        writing.write(changes(*[(name, 1) for name in "abcde"]))
        assert [[row.key for row in request] for request in writing.fake.requests] == [
            ["a", "b", "c", "d", "e"],
            ["b", "d"],
            ["b"],
        ]
        assert [row.key for row in writing.fake.applied] == [*"acedb"]
        assert writing.counts == {"written": 5, "retried": 3}


def test_a_request_that_failed_is_sent_again_whole() -> None:
    """Unknown outcomes of the whole request: all of it again, for as long as it takes."""
    trouble = RequestFailed(Retry("connection lost"))
    with Writing(tolerant(), answers(*[trouble] * 50)) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        assert len(writing.fake.requests) == 51
        assert writing.fake.rows == {("orders", "a"): "1", ("orders", "b"): "2"}
        assert writing.counts == {"written": 2, "retried": 100}


def test_ten_values_of_one_key_end_at_the_tenth() -> None:
    """P3: each in a batch of its own, the first met by a conflict once: in order, all ten."""
    conflict = [Retry("OTSRowOperationConflict: busy")]
    with Writing(tolerant(), answers(conflict)) as writing:
        writing.write(*[changes(("k", number), start=number) for number in range(1, 11)])
        assert [row.value for row in writing.fake.applied] == [str(n) for n in range(1, 11)]
        assert writing.fake.rows["orders", "k"] == "10"
        assert writing.counts == {"written": 10, "retried": 1}


def test_ten_values_of_one_key_in_one_batch_are_one_row() -> None:
    """A put replaces the row whole, so only the last is sent; the others count as written."""
    conflict = [Retry("OTSRowOperationConflict: busy")]
    with Writing(tolerant(), answers(conflict)) as writing:
        writing.write(changes(*[("k", number) for number in range(1, 11)]))
        assert [row.value for row in writing.fake.applied] == ["10"]
        assert writing.counts == {"written": 10, "retried": 1}


def test_a_refused_row_takes_no_throttled_neighbour_along() -> None:
    """P4: one row is refused for good, its neighbours busy: they are written later."""
    with Writing(tolerant(), answers([BUSY, BAD, BUSY])) as writing:
        writing.write(changes(("a", 1), ("b", 2), ("c", 3)))
        assert set(writing.fake.rows) == {("orders", "a"), ("orders", "c")}
        assert writing.counts == {"written": 2, "retried": 2, "rejected": 1}


def test_a_refused_last_change_falls_back_to_the_one_before() -> None:
    """P4: the good change that the bad one would have replaced is written instead."""

    def reply(found: list[Change]) -> Sequence[Verdict]:
        return [BAD if change.value == "bad" else OK for change in found]

    with Writing(tolerant(), reply) as writing:
        writing.write(changes(("k", 1), ("k", 2), ("x", 1), ("k", "bad"), ("y", 1)))
        assert writing.fake.rows == {
            ("orders", "k"): "2",
            ("orders", "x"): "1",
            ("orders", "y"): "1",
        }
        assert writing.counts == {"written": 4, "rejected": 1}


def test_falling_back_through_all_changes() -> None:
    """When every change of a key is refused, each is set aside, and the row stays as it was."""
    with Writing(tolerant(), lambda found: [BAD] * len(found)) as writing:
        writing.write(changes(("k", 1), ("k", 2), ("k", 3)))
        assert [request[0].value for request in writing.fake.requests] == ["3", "2", "1"]
        assert writing.counts == {"rejected": 3}


def test_falling_back_after_a_retry() -> None:
    """First busy, then refused: the change before it is written, once."""
    with Writing(tolerant(), answers([BUSY], [BAD], [BUSY], [OK])) as writing:
        writing.write(changes(("k", 1), ("k", 2)))
        assert [request[0].value for request in writing.fake.requests] == ["2", "2", "1", "1"]
        assert writing.fake.rows["orders", "k"] == "1"
        assert writing.counts == {"written": 1, "retried": 2, "rejected": 1}


def test_the_same_key_in_two_tables_is_two_rows() -> None:
    """Keys are told apart by table."""
    with Writing(tolerant()) as writing:
        writing.write(
            batch(
                [
                    change("k", 1, table="orders"),
                    change("k", 2, table="clicks"),
                    change("k", 3, table="orders"),
                ]
            )
        )
        assert writing.fake.rows == {("orders", "k"): "3", ("clicks", "k"): "2"}
        assert len(writing.fake.requests) == 1
        assert writing.counts == {"written": 3}


def test_verdicts_meet_their_rows_across_tables() -> None:
    """Rows travel grouped by table; each verdict still meets the row that it is about."""

    def reply(found: list[Change]) -> Sequence[Verdict]:
        return [BAD if change.value == "bad" else OK for change in found]

    rows = [
        change(f"k{number}", "bad" if number % 3 == 0 else number, number, table)
        for number, table in zip(range(12), itertools.cycle(["orders", "clicks"]), strict=False)
    ]
    with Writing(tolerant(), reply) as writing:
        writing.write(batch(rows))
        assert set(writing.fake.rows) == {
            (row.table, f"k{number}") for number, row in enumerate(rows) if number % 3
        }
        assert writing.counts == {"written": 8, "rejected": 4}


def test_halving_finds_the_bad_row() -> None:
    """A whole request refused for one row: that row is set aside, with few requests more."""
    with Writing(tolerant(), refused(("k77", "77"))) as writing:
        writing.write(changes(*[(f"k{number}", number) for number in range(200)]))
        assert len(writing.fake.rows) == 199
        assert writing.counts == {"written": 199, "rejected": 1}
        assert len(writing.fake.requests) <= 1 + 2 * 8


@settings(max_examples=40)
@given(st.integers(1, 60), st.data(), st.integers(0, 2**32))
def test_halving_finds_exactly_the_bad_rows(size: int, data: st.DataObject, seed: int) -> None:
    """Whatever rows are bad, of whatever tables and keys, with throttling in between.

    Exactly they are rejected, all others are written, and each key ends at its last good change.
    """
    chance = random.Random(seed)
    bad = data.draw(st.sets(st.integers(0, size - 1)))
    keys = data.draw(st.integers(1, size))
    places = [
        (chance.choice(["orders", "clicks"]), f"k{chance.randrange(keys)}") for _ in range(size)
    ]
    rows = [change(key, number, number, table) for number, (table, key) in enumerate(places)]

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if chance.random() < 0.15:
            raise RequestFailed(Retry("connection lost"))
        if any(int(change.value) in bad for change in found):
            raise RequestFailed(BAD, BAD.code)
        if chance.random() < 0.15:
            return [BUSY if chance.random() < 0.5 else OK for _ in found]
        return None

    expected = {}
    for number, place in enumerate(places):
        if number not in bad:
            expected[place] = str(number)
    with Writing(tolerant(), reply) as writing:
        writing.write(batch(rows))
        counts = writing.run.counts.snapshot()
        assert writing.fake.rows == expected
        # A bad change that a later good one replaces is never sent: it counts as written.
        sent = {int(change.value) for request in writing.fake.requests for change in request}
        assert counts["rejected"] == len(bad & sent)
        assert counts["written"] == size - counts["rejected"]


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_any_trouble_leaves_each_key_at_its_last_good_change(seed: int, lanes: int) -> None:
    """Random throttling, lost answers after the effect, refusals, several lanes: P3, P4, counts.

    Each row's outcome is fixed by its value, so that a row is refused however often it is sent.
    """
    chance = random.Random(seed)
    lock = threading.Lock()

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        with lock:
            luck = chance.random()
            if luck < 0.1:
                raise RequestFailed(BUSY, "OTSServerBusy")
            return [
                BAD if change.value.startswith("bad") else BUSY if chance.random() < 0.2 else OK
                for change in found
            ]

    expected: dict[tuple[str, str], str] = {}
    total = 0
    with Writing(tolerant(), reply) as writing:
        made = [writing.lane() for _ in range(lanes)]
        for number, lane in enumerate(made):
            for _ in range(chance.randrange(6)):
                values = []
                for _ in range(chance.randrange(1, 9)):
                    key = f"lane{number}-{chance.randrange(4)}"
                    bad = chance.random() < 0.2
                    values.append((key, f"{'bad' if bad else 'good'}{total}"))
                    if not bad:
                        expected["orders", key] = f"good{total}"
                    total += 1
                lane.submit([changes(*values)])
        for lane in made:
            lane.drain()
        counts = writing.run.counts.snapshot()
        assert writing.fake.rows == expected
        assert counts["written"] + counts["rejected"] == total


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
        lane.submit([changes(("a", 1)), changes(("b", 2)), batch([], [letter(5)])])
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


def test_tolerance_none_stops_at_the_first_rejected_row() -> None:
    """The text has coordinates, code, reason and remedy; nothing counts as rejected."""
    with Writing(strict(), answers([OK, BAD, BAD])) as writing:
        lane = writing.lane()
        lane.submit([changes(("a", 1), ("b", 2), ("c", 3), start=40)])
        with pytest.raises(StopRun) as caught:
            lane.drain()
        for word in (
            "topic orders partition 0 offset 41",
            "OTSParameterInvalid",
            "errors.tolerance",
        ):
            assert word in str(caught.value)
        assert "rejected" not in writing.counts


def test_tolerance_none_stops_at_dead_letters_too() -> None:
    """The first by coordinates is told; rows handed over before it are written."""
    with Writing(strict()) as writing:
        lane = writing.lane()
        writing.fake.gate.clear()
        lane.submit([changes(("a", 1)), batch([], [letter(9), letter(7)]), changes(("b", 1))])
        writing.fake.gate.set()
        with pytest.raises(StopRun, match=r"partition 0 offset 7: rejected \(decode, json_inv"):
            lane.drain()
        assert [row.key for row in writing.fake.applied] == ["a"]


@pytest.mark.parametrize("kept", ["log", "ignore"])
def test_tolerated_rejections(kept: str, caplog: pytest.LogCaptureFixture) -> None:
    """log: a line each, with coordinates and reason; ignore: none. Counted either way."""
    caplog.set_level(logging.DEBUG)
    run = new_run(tablestore=QUICK, errors={"tolerance": "all", "dead_letters": kept})
    with Writing(run, answers([OK, BAD])) as writing:
        writing.write(
            changes(("a", CANARY), ("b", CANARY), start=10), batch([], [letter(3), letter(4)])
        )
        assert writing.counts == {"written": 1, "rejected": 3}
    lines = [record.getMessage() for record in caplog.records if record.name == "sync.rejected"]
    if kept == "ignore":
        assert lines == []
    else:
        assert [line.split(":")[0] for line in lines] == [
            "topic orders partition 0 offset 11",
            "topic orders partition 0 offset 3",
            "topic orders partition 0 offset 4",
        ]
        assert "write, OTSParameterInvalid" in lines[0]
        assert "decode, json_invalid" in lines[1]


def test_no_payload_in_logs(caplog: pytest.LogCaptureFixture) -> None:
    """P7: long trouble, rejection and stop, with every logger open: no key and no value."""
    for name in [*logging.Logger.manager.loggerDict, ""]:
        caplog.set_level(logging.DEBUG, name)
    trouble: list[Sequence[Verdict] | Exception] = [[BUSY, BUSY]] * 8
    with Writing(tolerant(), answers(*trouble, [BAD, BUSY], [DENIED])) as writing:
        lane = writing.lane()
        lane.submit([changes((f"{CANARY}1", CANARY), (f"{CANARY}2", CANARY))])
        with pytest.raises(StopRun) as caught:
            lane.drain()
        assert CANARY not in str(caught.value)
    assert "rows wait after" in caplog.text
    assert CANARY not in caplog.text


def test_a_table_made_a_moment_ago_is_waited_for() -> None:
    """`Does not exist` of a table that this run made is transient, per row and per request."""
    run = new_run(tablestore=QUICK, table={"auto_create": True})
    gone = RequestFailed(GONE, "OTSObjectNotExist")
    with Writing(run, answers(gone, gone, [GONE, OK], None), tables=()) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        assert writing.fake.created == ["orders"]
        assert writing.counts == {"written": 2, "retried": 5}


def test_a_table_that_vanished_stops() -> None:
    """`Does not exist` of a table that was there is no transient thing."""
    for answer in (RequestFailed(GONE, "OTSObjectNotExist"), [GONE]):
        with Writing(tolerant(), answers(answer)) as writing:
            lane = writing.lane()
            lane.submit([changes(("a", 1))])
            with pytest.raises(StopRun, match="table orders"):
                lane.drain()
            assert len(writing.fake.requests) == 1


@pytest.mark.parametrize("new", ["a_new", "z_new"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_new_table_beside_an_old_one_is_waited_for(new: str, whole: bool) -> None:
    """Rows of an old and a new table share a request: `does not exist` is about the new one."""
    run = new_run(tablestore=QUICK, tables={new: {"auto_create": True}})

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if len(writing.fake.requests) > 3 or not any(row.table == new for row in found):
            return None
        if whole:
            raise RequestFailed(GONE, "OTSObjectNotExist")
        return [GONE if row.table == new else OK for row in found]

    with Writing(run, reply, tables=["orders"]) as writing:
        writing.write(batch([change("k", 1), change("k", 2, 1, table=new)]))
        assert writing.fake.rows == {("orders", "k"): "1", (new, "k"): "2"}


def test_a_missing_table_stops_before_a_row_is_sent() -> None:
    """A table seen for the first time is looked at first."""
    with Writing(strict(), tables=()) as writing:
        lane = writing.lane()
        lane.submit([changes(("a", 1))])
        with pytest.raises(StopRun, match="auto_create"):
            lane.drain()
        assert writing.fake.requests == []


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_one_lane_are_written_in_order(order: int) -> None:
    """Batches of a lane never overtake each other, though the first ones need many tries."""
    left = {f"k{number}": 5 - number for number in range(5)}

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        key = found[0].key
        left[key] -= order
        return [BUSY] if 0 < left[key] < 6 else None

    with Writing(tolerant(), reply) as writing:
        writing.write(*[changes((f"k{number}", 1)) for number in range(5)])
        assert [row.key for row in writing.fake.applied] == [f"k{number}" for number in range(5)]


def test_stop_text_is_the_services() -> None:
    """What the user reads names the table and keeps remedy and words."""
    stop = Stop("Tablestore refuses everything: X\n  remedy: do this", "X")
    with Writing(tolerant(), answers(RequestFailed(stop, "X"))) as writing:
        lane = writing.lane()
        lane.submit([changes(("a", 1), table="clicks")])
        with pytest.raises(StopRun) as caught:
            lane.drain()
        assert str(caught.value) == f"table clicks: {stop.reason}"
