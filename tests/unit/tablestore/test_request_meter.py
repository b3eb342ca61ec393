"""What is measured of requests: by table, outcome and code, whatever the service answers."""

import pytest

from connectors.errors import StopRun
from connectors.tablestore.request_meter import code_in
from connectors.tablestore.verdicts import RETRY, Reject, RequestFailed, Retry, Stop, judge
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import BAD, BUSY, OK, Writing, answers, changes, tolerant

Rows = dict[tuple[str, str], int]


def measured(writing: Writing, table: str = "orders") -> tuple[dict[str, int], Rows]:
    meter = writing.run.meters.table(table)
    return meter.requests_by_code(), meter.rows_by_outcome()


def test_rows_of_one_answer_by_their_own_codes() -> None:
    """Two busy, one bad: then the busy ones are written."""
    with Writing(tolerant(), answers([OK, BUSY, BAD, BUSY])) as writing:
        writing.write(changes(*[(name, 1) for name in "abcd"]))
        requests, rows = measured(writing)
    assert requests == {"PARTIAL": 1, "OK": 1}
    meter = writing.run.meters.table("orders")
    assert (meter.units, meter.written_bytes) == (3, meter.bytes * 3 // 6), "of 6 that were sent"
    assert rows == {
        ("written", "OK"): 3,
        ("retried", "OTSServerBusy"): 2,
        ("rejected", "OTSParameterInvalid"): 1,
    }


@pytest.mark.parametrize(
    ("failed", "code"),
    [
        (RequestFailed(Retry("OTSServerBusy: busy"), "OTSServerBusy"), "OTSServerBusy"),
        (RequestFailed(judge(503, "", "busy")), "HTTP_503"),
        (RequestFailed(Retry("connection lost")), "NO_ANSWER"),
        (RequestFailed(Retry("untrusted answer: its checksum is wrong")), "NO_ANSWER"),
    ],
)
def test_requests_that_fail_as_a_whole(failed: RequestFailed, code: str) -> None:
    """All of their rows are sent again."""
    with Writing(tolerant(), answers(failed)) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        requests, rows = measured(writing)
        assert writing.run.meters.in_flight == 0
    assert requests == {code: 1, "OK": 1}
    assert rows == {("retried", code): 2, ("written", "OK"): 2}


def test_bytes_and_durations() -> None:
    """Each request has a duration; repeated rows count their bytes again."""
    with Writing(tolerant(), answers(RequestFailed(Retry("lost")))) as writing:
        batch = changes(("a", 1), ("b", 2))
        writing.write(batch)
        meter = writing.run.meters.table("orders")
    assert (meter.written_bytes, meter.units) == (meter.bytes // 2, 2)
    assert meter.bytes == 2 * sum(len(segment.wire) for segment in batch[0])
    assert sum(meter.durations.counts) == 2


def test_how_full_batches_are() -> None:
    """By rows or bytes, what is more."""
    with Writing(new_run(window={"rows": 4})) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        fills = writing.run.meters.fills
    assert (sum(fills.counts), fills.sum) == (1, 0.5)


def test_a_throttled_table_is_waited_for_by_name() -> None:
    """With the code, and for some time over the batches that go through."""
    with Writing(tolerant(), answers([BUSY])) as writing:
        writing.write(changes(("a", 1)))
        (wait,) = writing.run.waits.current()
    assert (wait.service, wait.subject, wait.code) == ("tablestore", "orders", "OTSServerBusy")
    assert wait.waiting == 0


def test_a_conflict_is_over_when_it_is_over() -> None:
    """It says nothing of the table."""
    with Writing(tolerant(), answers([Retry("OTSRowOperationConflict: busy")])) as writing:
        writing.write(changes(("a", 1)))
        assert writing.run.waits.current() == []


def test_codes_of_the_service_are_found_in_reasons() -> None:
    """As verdicts write them."""
    for code in RETRY:
        verdict = judge(200, code, "text")
        assert isinstance(verdict, Retry)
        assert code_in(verdict.reason) == code
    assert [code_in(text) for text in ("HTTP 503", "HTTP 5034", "busy", "")] == [
        "HTTP_503",
        "",
        "",
        "",
    ]


def test_verdicts_that_stop() -> None:
    """They are counted before the run ends."""
    with Writing(
        tolerant(), answers([Stop("no", "OTSAuthFailed"), Reject("OTSX", "OTSX: x")])
    ) as writing:
        with pytest.raises(StopRun, match="denies"):
            writing.write(changes(("a", 1), ("b", 2)))
        _, rows = measured(writing)
    assert rows == {("stopped", "OTSAuthFailed"): 1, ("rejected", "OTSX"): 1}
