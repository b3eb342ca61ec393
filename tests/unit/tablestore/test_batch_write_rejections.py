"""What the writer does with rejected rows, and with tables that are new or gone."""

import logging
from collections.abc import Sequence

import pytest

from connectors.errors import StopRun
from connectors.tablestore.verdicts import RequestFailed, Retry, Stop, Verdict
from tests.unit.factories import CANARY, batch, dead_letter, new_run
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    DENIED,
    GONE,
    OK,
    SHORT_WAITS,
    Change,
    Writing,
    answers,
    change,
    changes,
    strict,
    tolerant,
)


def test_tolerance_none_stops_at_the_first_rejected_row() -> None:
    """The text has coordinates, code, reason and remedy; nothing counts as rejected."""
    with Writing(strict(), answers([OK, BAD, BAD])) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1), ("b", 2), ("c", 3), start=40)])
        with pytest.raises(StopRun) as caught:
            shard.snapshot()
        for word in (
            "topic orders partition 0 offset 41",
            "OTSParameterInvalid",
            "errors.tolerance",
        ):
            assert word in str(caught.value)
        assert "rejected" not in writing.counts


def test_tolerance_none_stops_at_dead_letters_too() -> None:
    """The first by coordinates is reported; rows handed over before it are written."""
    with Writing(strict()) as writing:
        shard = writing.shard()
        writing.fake.gate.clear()
        shard.write_batch(
            [changes(("a", 1)), batch([], [dead_letter(9), dead_letter(7)]), changes(("b", 1))]
        )
        writing.fake.gate.set()
        with pytest.raises(StopRun, match=r"partition 0 offset 7: rejected \(decode, json_inv"):
            shard.snapshot()
        assert [row.key for row in writing.fake.applied] == ["a"]


@pytest.mark.parametrize("kept", ["log", "ignore"])
def test_tolerated_rejections(kept: str, caplog: pytest.LogCaptureFixture) -> None:
    """log: a line each, with coordinates and reason; ignore: none. Counted either way."""
    caplog.set_level(logging.DEBUG)
    run = new_run(tablestore=SHORT_WAITS, errors={"tolerance": "all", "dead_letters": kept})
    with Writing(run, answers([OK, BAD])) as writing:
        writing.write(
            changes(("a", CANARY), ("b", CANARY), start=10),
            batch([], [dead_letter(3), dead_letter(4)]),
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


@pytest.mark.P7
def test_no_payload_in_logs(caplog: pytest.LogCaptureFixture) -> None:
    """P7: long trouble, rejection and stop, with every logger open: no key and no value."""
    for name in [*logging.Logger.manager.loggerDict, ""]:
        caplog.set_level(logging.DEBUG, name)
    lost = RequestFailed(Retry("connection lost"))
    trouble: list[Sequence[Verdict] | Exception] = [lost] * 8
    throttled = answers(*trouble, [BAD, BUSY], *[[BUSY]] * 8, [DENIED])
    with Writing(tolerant(), throttled) as writing:
        shard = writing.shard()
        shard.write_batch([changes((f"{CANARY}1", CANARY), (f"{CANARY}2", CANARY))])
        with pytest.raises(StopRun) as caught:
            shard.snapshot()
        assert CANARY not in str(caught.value)
    assert "2 rows wait for table orders" in caplog.text
    assert "table orders is throttled" in caplog.text
    assert CANARY not in caplog.text


def test_a_table_made_a_moment_ago_is_waited_for() -> None:
    """`Does not exist` of a table that this run made is transient, per row and per request."""
    run = new_run(tablestore=SHORT_WAITS, table={"auto_create": True})
    gone = RequestFailed(GONE, "OTSObjectNotExist")
    with Writing(run, answers(gone, gone, [GONE, OK], None), tables=()) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        assert writing.fake.created == ["orders"]
        assert writing.counts == {"written": 2, "retried": 5}


def test_a_table_that_vanished_stops() -> None:
    """`Does not exist` of a table that was there is no transient thing."""
    for answer in (RequestFailed(GONE, "OTSObjectNotExist"), [GONE]):
        with Writing(tolerant(), answers(answer)) as writing:
            shard = writing.shard()
            shard.write_batch([changes(("a", 1))])
            with pytest.raises(StopRun, match="table orders"):
                shard.snapshot()
            assert len(writing.fake.requests) == 1


@pytest.mark.parametrize("new", ["a_new", "z_new"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_new_table_beside_an_old_one_is_waited_for(new: str, whole: bool) -> None:
    """Rows of an old and a new table share a request: `does not exist` is about the new one."""
    run = new_run(tablestore=SHORT_WAITS, tables={new: {"auto_create": True}})

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
        shard = writing.shard()
        shard.write_batch([changes(("a", 1))])
        with pytest.raises(StopRun, match="auto_create"):
            shard.snapshot()
        assert writing.fake.requests == []


@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_one_shard_are_written_in_order(order: int) -> None:
    """Batches of a shard never overtake each other, though the first ones need many tries."""
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
    stop = Stop("Tablestore denies every request: X\n  remedy: do this", "X")
    with Writing(tolerant(), answers(RequestFailed(stop, "X"))) as writing:
        shard = writing.shard()
        shard.write_batch([changes(("a", 1), table="clicks")])
        with pytest.raises(StopRun) as caught:
            shard.snapshot()
        assert str(caught.value) == f"table clicks: {stop.reason}"
