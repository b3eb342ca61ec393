"""The operators for user steps, run by Bytewax itself on records made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow, Stream
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import steps
from connectors.errors import Rejection
from connectors.records import Batch, Chunk, DecodedChunk, Record, RecordChunk
from connectors.replay import steps as replay_steps
from connectors.run.context import Run
from tests.unit.factories import (
    CANARY,
    dead_in,
    dead_letter,
    message_chunk,
    new_run,
    record_chunk,
    rows_in,
)
from tests.unit.mapping.wire_reader import read_wire

Lift = Callable[[Stream[DecodedChunk], Run], Stream[DecodedChunk]]


def through(lift: Lift, *chunks: RecordChunk, run: Run | None = None) -> list[DecodedChunk]:
    """What a step makes of the chunks."""
    out: list[DecodedChunk] = []
    flow = Dataflow("test")
    source: Stream[DecodedChunk] = op.input("in", flow, TestingSource(list(chunks)))
    op.output("out", lift(source, run or new_run()), TestingSink(out))
    run_main(flow)
    return out


def mapped(function: Callable[[Record], Any]) -> Lift:
    """A map step."""
    return lambda records, run: steps.map_records("step", records, run, function)


def filtered(keep: Callable[[Record], Any]) -> Lift:
    """A filter step."""
    return lambda records, run: steps.filter_records("step", records, run, keep)


def flattened(function: Callable[[Record], Any]) -> Lift:
    """A flat-map step."""
    return lambda records, run: steps.flat_map_records("step", records, run, function)


def values_of(chunks: list[DecodedChunk]) -> list[Any]:
    """The values of all records, in order."""
    return [record.value for chunk in chunks for record in chunk.records]


def filtered_of(run: Run) -> int:
    """The count of records that steps dropped."""
    return run.counts.snapshot()["filtered"]


def added_of(run: Run) -> int:
    """The count of records that steps made beyond those that they took."""
    return run.counts.snapshot()["added"]


def test_map_changes_each_record() -> None:
    """One for one, in order, with coordinates and message kept; chunks stay chunks."""
    chunks = [record_chunk([{"n": 1}, {"n": 2}], partition=3), record_chunk([{"n": 3}])]
    run = new_run()
    out = through(
        mapped(lambda record: record.with_value({"n": record.value["n"] * 10})), *chunks, run=run
    )
    assert values_of(out) == [{"n": 10}, {"n": 20}, {"n": 30}]
    assert [(chunk.topic, chunk.partition) for chunk in out] == [("orders", 3), ("orders", 0)]
    assert [record.offset for record in out[0].records] == [0, 1]
    assert out[0].records[0].message is chunks[0].records[0].message
    assert filtered_of(run) == 0


def test_filter_keeps_some_and_counts_the_others() -> None:
    """What is not kept is no rejection: it is counted as filtered."""
    run = new_run()
    out = through(filtered(lambda record: record.value % 3 == 0), record_chunk(range(10)), run=run)
    assert values_of(out) == [0, 3, 6, 9]
    assert out[0].dead_letters == []
    assert filtered_of(run) == 6


@pytest.mark.parametrize("truth", [1, "yes", [0]])
def test_filter_takes_any_truth(truth: Any) -> None:
    """As Python's own filter does."""
    assert values_of(through(filtered(lambda _: truth), record_chunk([1]))) == [1]
    assert values_of(through(filtered(lambda _: not truth), record_chunk([1]))) == []


def test_flat_map_makes_any_number() -> None:
    """None, one or many of each, in order; what is dropped and what is added count apart."""
    run = new_run()

    def times(record: Record) -> Any:
        for _ in range(record.value):
            yield record.with_value(record.value)

    out = through(flattened(times), record_chunk([2, 0, 1, 3]), run=run)
    assert values_of(out) == [2, 2, 1, 3, 3, 3]
    assert [record.offset for record in out[0].records] == [0, 0, 2, 3, 3, 3]
    assert (filtered_of(run), added_of(run)) == (1, 3)
    assert values_of(through(flattened(lambda record: [record] * 2), record_chunk([5]))) == [5, 5]


def failing(record: Record) -> Record:
    """Fails on odd values, with the value in the text of the error."""
    if record.value % 2:
        raise ValueError(f"{CANARY} {record.value}")
    return record


@pytest.mark.P4
@pytest.mark.P7
@pytest.mark.parametrize(
    "lift", [mapped(failing), filtered(failing), flattened(lambda record: [failing(record)])]
)
def test_a_step_that_raises_rejects_that_record_alone(lift: Lift) -> None:
    """P4, P7: coordinates, step, class and line of the error; not its text, which has payload."""
    run = new_run()
    out = through(lift, record_chunk([0, 1, 2, 3], partition=6), run=run)
    assert values_of(out) == [0, 2]
    dead = out[0].dead_letters
    assert [(found.topic, found.partition, found.offset) for found in dead] == [
        ("orders", 6, 1),
        ("orders", 6, 3),
    ]
    for found in dead:
        assert (found.stage, found.code) == ("transform", "step_failed")
        for word in ("'step'", "ValueError", Path(__file__).name):
            assert word in found.reason
        assert CANARY not in found.reason
    assert filtered_of(run) == 0, "a rejected record is not a filtered one"


def test_an_error_half_way_leaves_nothing_behind() -> None:
    """A generator that fails after its first result: the record is rejected, whole."""

    def half(record: Record) -> Any:
        yield record
        raise KeyError(CANARY)

    out = through(flattened(half), record_chunk([1, 2]))
    assert values_of(out) == []
    assert [found.offset for found in out[0].dead_letters] == [0, 1]
    assert CANARY not in repr(out[0].dead_letters)


def test_errors_of_any_kind_are_caught() -> None:
    """Recursion, StopIteration, an assertion: none of them ends the flow."""

    def deep(record: Record) -> Record:
        return deep(record)

    def stop(_: Record) -> Record:
        raise StopIteration

    def wrong(_: Record) -> Record:
        raise AssertionError(CANARY)

    for function in (deep, stop, wrong):
        (chunk,) = through(mapped(function), record_chunk([1]))
        assert [found.code for found in chunk.dead_letters] == ["step_failed"]


def test_a_reason_of_the_users_own() -> None:
    """`Rejection` gives code and reason as they are."""

    def check(_: Record) -> Record:
        raise Rejection("too_old", "it is from last year")

    (chunk,) = through(mapped(check), record_chunk([1]))
    (found,) = chunk.dead_letters
    assert (found.stage, found.code, found.reason) == (
        "transform",
        "too_old",
        "it is from last year",
    )


@pytest.mark.parametrize("result", [None, {"n": 1}, "text", [1], 5])
@pytest.mark.parametrize("many", [False, True])
def test_a_step_that_returns_no_record_rejects_it(result: Any, many: bool) -> None:
    """A forgotten `return`, or a dict instead of a record: that record is rejected, by the step."""
    lift = flattened(lambda _: [result]) if many else mapped(lambda _: result)
    (chunk,) = through(lift, record_chunk([1]))
    assert chunk.records == []
    (found,) = chunk.dead_letters
    assert (found.stage, found.offset) == ("transform", 0)
    assert "'step'" in found.reason


def test_dead_letters_pass_by_a_step() -> None:
    """Those of earlier steps stay, before its own; the function does not see them."""
    seen: list[Any] = []

    def look(record: Record) -> Record:
        seen.append(record.value)
        return failing(record)

    out = through(mapped(look), record_chunk([1, 2], dead=[dead_letter(7), dead_letter(8)]))
    assert seen == [1, 2]
    assert [found.offset for found in out[0].dead_letters] == [7, 8, 0]


def test_a_chunk_that_is_all_gone_stays_a_chunk() -> None:
    """The records are filtered, the dead letters travel on."""
    run = new_run()
    out = through(filtered(lambda _: False), record_chunk([1, 2], dead=[dead_letter(7)]), run=run)
    assert values_of(out) == []
    assert [found.offset for found in out[0].dead_letters] == [7]
    assert filtered_of(run) == 2


def test_a_step_changes_no_chunk_but_its_own() -> None:
    """The chunk that came in is as it was: nothing is shared with the next step's lists."""
    chunk = record_chunk([1, 2], dead=[dead_letter(7)])
    through(mapped(failing), chunk)
    assert ([record.value for record in chunk.records], len(chunk.dead_letters)) == ([1, 2], 1)


def test_steps_follow_one_another() -> None:
    """Map, filter, flat-map in a row; each sees what the last one gave."""

    def lift(records: Stream[DecodedChunk], run: Run) -> Stream[DecodedChunk]:
        records = steps.map_records(
            "double", records, run, lambda record: record.with_value(record.value * 2)
        )
        records = steps.filter_records("big", records, run, lambda record: record.value > 2)
        return steps.flat_map_records("twice", records, run, lambda record: [record, record])

    run = new_run()
    assert values_of(through(lift, record_chunk([1, 2, 3]), run=run)) == [4, 4, 6, 6]
    assert (filtered_of(run), added_of(run)) == (1, 2)


def pipeline(run: Run, *chunks: Chunk, step: Lift | None = None) -> list[tuple[str, Batch]]:
    """From messages to batches: decode, a step perhaps, map_rows, batch."""
    out: list[tuple[str, Batch]] = []
    flow = Dataflow("test")
    source: Stream[Chunk] = op.input("in", flow, TestingSource(list(chunks)))
    records = steps.decode("decode", source, run)
    if step is not None:
        records = step(records, run)
    batches = steps.batch(steps.map_rows("map_rows", records, run), run)
    op.output("out", batches, TestingSink(out))
    run_main(flow)
    return out


DOCUMENTS = [b'{"n":1}', b"{", b'{"n":2}', None, b'{"n":3}', b'{"offset":9}', b'{"n":4}']


@pytest.mark.parametrize("step", [None, mapped(lambda record: record)])
def test_the_steps_of_the_flow_account_for_every_message(step: Lift | None) -> None:
    """Each offset comes out of the batcher once: as a row, or as a dead letter of its stage."""
    chunks = [message_chunk(DOCUMENTS, partition=number) for number in range(3)]
    out = pipeline(new_run(window={"shards": 4}), *chunks, *chunks, step=step)
    batches = [batch for _, batch in out]
    rows = sorted((row.partition, row.offset) for row in rows_in(batches))
    assert rows == sorted((number, offset) for number in range(3) for offset in (0, 2, 4, 6) * 2)
    dead = sorted((found.offset, found.stage) for found in dead_in(batches))
    assert dead == sorted([(1, "decode"), (3, "map"), (5, "map")] * 6)


def test_batches_close_at_their_limits_and_at_the_end() -> None:
    """No batch is beyond window.rows, and the end of the input leaves no row behind."""
    chunk = message_chunk([b'{"n":%d}' % number for number in range(25)])
    out = pipeline(new_run(window={"rows": 10, "shards": 1}), chunk)
    assert [len(rows_in([batch])) for _, batch in out] == [10, 10, 5]
    assert [row.offset for row in rows_in(batch for _, batch in out)] == [*range(25)]


@pytest.mark.P3
@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(0, 4), max_size=8), max_size=5), st.integers(1, 5))
def test_the_order_of_each_key_is_kept_to_the_end(ids: list[list[int]], shards: int) -> None:
    """P3: through decode, map, shard and batch, the changes of a key keep their order."""
    made = new_run(
        window={"rows": 3, "shards": shards},
        table={
            "primary_key_mode": "record_value",
            "primary_key": [{"name": "id", "type": "integer"}],
        },
    )
    chunks = []
    order = 0
    expected: dict[int, list[int]] = {}
    for part in ids:
        documents: list[bytes | None] = []
        for one in part:
            documents.append(b'{"id":%d,"n":%d}' % (one, order))
            expected.setdefault(one, []).append(order)
            order += 1
        chunks.append(message_chunk(documents))
    found: dict[int, list[int]] = {}
    used_shards: dict[int, set[str]] = {}
    for shard, batch in pipeline(made, *[chunk for chunk in chunks if chunk.messages]):
        for row in rows_in([batch]):
            cells = read_wire(row.wire)
            found.setdefault(cells.key["id"], []).append(cells.columns["n"])
            used_shards.setdefault(cells.key["id"], set()).add(shard)
    assert found == expected
    assert all(len(used) == 1 for used in used_shards.values()), "a key has one shard"


def test_resumed_rows_are_counted() -> None:
    """Rows that a batcher takes over from the recovery store are in the counts."""
    from connectors.batching import builder

    run = new_run()
    state = pipeline(new_run(window={"shards": 1}), message_chunk([b'{"n":1}', b'{"n":2}']))
    segments = [tuple(segment) for _, (parts, _) in state for segment in parts]
    builder(run.settings.window, run.counts.new_batcher)(segments)
    assert run.counts.snapshot()["resumed"] == 2


def test_the_names_of_steps_with_state_are_fixed() -> None:
    """They are keys of the recovery store: another name orphans what waits there."""
    assert steps.STEPS_WITH_STATE == ("read", "window", "write")


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("window", steps.batch),
        ("read_letters", replay_steps.read_dead_letters),
        ("read_dead_letters", replay_steps.read_dead_letters),
        ("send_back", replay_steps.send_back),
        ("only_missing", replay_steps.only_missing),
        ("show", replay_steps.show),
    ],
)
def test_pages_with_former_names_of_steps_go_on(
    former: str, present: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The log says how the step is named now."""
    assert getattr(steps, former) is present
    assert f"connectors.{'steps.batch' if former == 'window' else 'replay.steps.'}" in caplog.text


def test_an_unknown_step_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no_such_step"):
        _ = steps.no_such_step
