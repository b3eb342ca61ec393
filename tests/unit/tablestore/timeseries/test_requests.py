"""Requests of points: what an answer means, which form is chosen, and what a bad point costs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from tablestore.protobuf.table_store_pb2 import BatchWriteRowRequest, BatchWriteRowResponse
from tablestore.protobuf.timeseries_pb2 import PutTimeseriesDataRequest, PutTimeseriesDataResponse

from connectors.errors import StopRun
from connectors.records import Row
from connectors.run.context import Run
from connectors.steps import error_policy
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.client import Client
from connectors.tablestore.sink import ShardWriter, TablestoreSink
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.timeseries.requests import PointRequests, failed_points
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict
from emulator.wire import flatbuffer, messages_pb2
from tests.unit.factories import batch, new_run
from tests.unit.tablestore.fake_service import BAD, BUSY, changes

Answer = Callable[[list[int]], Sequence[tuple[int, str, str]]]


def point(number: int, offset: int | None = None, table: str = "points") -> Row:
    """A point of one series whose time and value are its number."""
    encoder = PointEncoder()
    encode = encoder.compile([("v", "integer")])
    identity, wire, operation = encode(encoder.series("m", "", ()), number, [number])
    at = number if offset is None else offset
    return Row(identity, wire, operation, table, "points", 0, at, None)


class Service:
    """Takes PutTimeseriesData as the service does: an answer names the rows that failed."""

    def __init__(self, answer: Answer = lambda _: ()) -> None:
        self.answer = answer
        self.requests: list[list[int]] = []
        self.stored: dict[int, int] = {}
        self.forms: list[int] = []
        self.reads = {0, 2}
        self.wide: list[int] = []
        self.bodies: list[bytes] = []
        self.always: RequestFailed | None = None
        self.names_bad_rows = False

    async def post(self, operation: str, body: bytes) -> bytes:
        """As the client's; BatchWriteRow writes all."""
        if operation == "BatchWriteRow":
            answer = BatchWriteRowResponse()
            for table in BatchWriteRowRequest.FromString(body).tables:
                self.wide.append(len(table.rows))
                rows = answer.tables.add(table_name=table.table_name).rows
                for _ in table.rows:
                    rows.add(is_ok=True)
            return bytes(answer.SerializeToString())
        assert operation == "PutTimeseriesData"
        return self.post_blocking(operation, body)

    def post_blocking(self, _: str, body: bytes) -> bytes:
        """Take the place of the client's method of this name."""
        if self.always is not None:
            raise self.always
        self.bodies.append(body)
        data = messages_pb2.PutTimeseriesDataRequest.FromString(body).rows_data
        self.forms.append(data.type)
        if data.type not in self.reads:
            reason = "required fields not set" if data.type else "no rows"
            raise RequestFailed(Reject("OTSParameterInvalid", reason), "OTSParameterInvalid")
        if data.type == 2:
            rows = messages_pb2.TimeseriesRowList.FromString(data.rows_data).rows
            times = [row.time for row in rows]
        else:
            times = [raw.time for raw in flatbuffer.decode_points(data.rows_data)]
        named = [(n, "OTSParameterInvalid", "bad time") for n, t in enumerate(times) if t < 0]
        if named and not self.names_bad_rows:
            raise RequestFailed(Reject("OTSParameterInvalid", "bad time"), "OTSParameterInvalid")
        assert len({*times}) == len(times), "a key twice in one request"
        self.requests.append(times)
        failed = self.answer(times) or named
        bad = {index for index, _, _ in failed}
        self.stored |= {time: time for n, time in enumerate(times) if n not in bad}
        response = PutTimeseriesDataResponse()
        for index, code, message in failed:
            response.failed_rows.add(row_index=index, error_code=code, error_message=message)
        return bytes(response.SerializeToString())


def shard_writer(service: Service, run: Run) -> ShardWriter:
    """The writer of a shard to this service, whose tables are there."""
    writer = TableWriter(run, cast(Client, service), cast(TablesApi, None))
    writer.checks.checked |= {"points", "orders"}
    sink = TablestoreSink(run, ["0"], [], writer, error_policy(run, writer))
    return sink.build_part("write", "0", None)


def run_with(encoding: str = "protobuf", **points: Any) -> Run:
    """A run with a time series table `points`."""
    return new_run(
        tablestore={
            "retry_initial": 0.0005,
            "retry_max": 0.001,
            "timeseries_encoding": encoding,
        },
        errors={"tolerance": "all"},
        tables={"points": {"mode": "timeseries", "timeseries": points}},
    )


def write(service: Service, rows: Sequence[Row], run: Run | None = None) -> dict[str, int]:
    """One batch through a shard, to the end; the counts."""
    run = run or run_with()
    shard = shard_writer(service, run)
    try:
        shard.write_batch([batch(rows)])
        shard.snapshot()
    finally:
        shard.close()
    return {name: number for name, number in run.counts.snapshot().items() if number}


@pytest.mark.parametrize("encoding", ["protobuf", "flatbuffers"])
def test_a_batch_is_one_request(encoding: str) -> None:
    """All points in their order, in the form that is set, and all counted."""
    service = Service()
    assert write(service, [point(n) for n in range(5)], run_with(encoding)) == {"written": 5}
    assert service.requests == [[0, 1, 2, 3, 4]]
    assert service.forms == [2 if encoding == "protobuf" else 0]


def test_as_many_rows_a_request_as_configured() -> None:
    """With rows_per_request = 3, eight points are three requests, one after the other."""
    service = Service()
    assert write(service, [point(n) for n in range(8)], run_with(rows_per_request=3)) == {
        "written": 8
    }
    assert service.requests == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_both_kinds_in_one_batch() -> None:
    """Rows of a wide-column table go by BatchWriteRow, points by PutTimeseriesData."""
    service = Service()
    wide = [*changes(("a", 1), ("b", 2))[0]]
    run = run_with()
    shard = shard_writer(service, run)
    shard.write_batch([([*wide, *batch([point(1), point(2)])[0]], [])])
    shard.snapshot()
    shard.close()
    assert (service.wide, service.requests) == ([2], [[1, 2]])
    assert run.counts.snapshot()["written"] == 4


@pytest.mark.P3
def test_only_failed_rows_are_sent_again() -> None:
    """P3: a busy row is tried until it is written; its neighbours are not written twice."""
    left = [[(1, "OTSServerBusy", "busy"), (3, "OTSTimeout", "late")], [(0, "OTSServerBusy", "x")]]
    service = Service(lambda _: left.pop(0) if left else ())
    assert write(service, [point(n) for n in range(5)]) == {"written": 5, "retried": 3}
    assert service.requests == [[0, 1, 2, 3, 4], [1, 3], [1]]


@pytest.mark.P4
def test_a_rejected_row_is_a_dead_letter() -> None:
    """P4: the row alone; the others are written once."""

    def answer(times: list[int]) -> list[tuple[int, str, str]]:
        return [(times.index(2), "OTSParameterInvalid", "no")] if 2 in times else []

    service = Service(answer)
    assert write(service, [point(n) for n in range(4)]) == {"written": 3, "rejected": 1}
    assert service.stored == {0: 0, 1: 1, 3: 3}


@pytest.mark.P4
def test_a_rejected_request_is_halved() -> None:
    """P4: a 400 for all rows of a request condemns the bad point alone."""

    def answer(times: list[int]) -> list[tuple[int, str, str]]:
        if 7 in times:
            raise RequestFailed(BAD, BAD.code)
        return []

    service = Service(answer)
    assert write(service, [point(n) for n in range(20)]) == {"written": 19, "rejected": 1}
    assert sorted(service.stored) == [n for n in range(20) if n != 7]
    assert len(service.requests) < 12


@pytest.mark.P3
def test_equal_series_and_time_the_last_wins() -> None:
    """P3: of two points of one key in a batch only the later one is sent, as the service does."""
    service = Service()
    rows = [point(1, offset=0), point(2, offset=1), point(1, offset=2)]
    assert write(service, rows) == {"written": 3}
    assert sorted(service.requests[0]) == [1, 2]


@pytest.mark.P6
def test_an_outage_is_waited_out() -> None:
    """P6: trouble of the whole request is tried again, for as long as it takes."""
    trouble: list[Verdict] = [BUSY, Retry("connection lost")] * 20

    def answer(_: list[int]) -> list[tuple[int, str, str]]:
        if trouble:
            raise RequestFailed(trouble.pop())
        return []

    service = Service(answer)
    assert write(service, [point(1)])["written"] == 1
    assert len(service.requests) == 41


@pytest.mark.P5
@pytest.mark.parametrize("code", ["OTSNoPermissionAccess", "OTSObjectNotExist"])
def test_a_stop_verdict_stops(code: str) -> None:
    """P5: as the answer to the request or to a row, it ends the run; nothing is rejected."""
    stop = Stop(f"{code}: no", code)

    def whole(_: list[int]) -> list[tuple[int, str, str]]:
        raise RequestFailed(stop, code)

    for answer in (whole, lambda _: [(0, code, "no")]):
        run = run_with()
        with pytest.raises(StopRun, match=code):
            write(Service(answer), [point(1), point(2)], run)
        assert not run.counts.snapshot().get("rejected")


def test_an_answer_about_other_rows_is_not_believed() -> None:
    """A number beyond the request's rows, or bytes that are no answer: the outcome is unknown."""
    left: list[Any] = [[(9, "OTSServerBusy", "?")], [(-1, "OTSServerBusy", "?")]]
    service = Service(lambda _: left.pop(0) if left else ())
    assert write(service, [point(1)]) == {"written": 1, "retried": 2}
    with pytest.raises(RequestFailed) as caught:
        failed_points(b"\xff\xff")
    assert isinstance(caught.value.verdict, Retry)


@pytest.mark.parametrize(
    ("reads", "form"),
    [({0, 2}, "protobuf"), ({0}, "flatbuffers"), ({0, 1, 2, 99}, "flatbuffers")],
)
def test_the_form_is_chosen_by_asking(
    reads: set[int], form: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Protobuf where it is read as FlatBuffers are and nonsense is not; nothing is written."""
    service = Service()
    service.reads = reads
    if 99 in reads:  # one that finds the same fault with whatever it gets
        service.always = RequestFailed(BAD, BAD.code)
    requests = PointRequests(cast(Client, service), "auto")
    with caplog.at_level(logging.INFO):
        requests.choose_encoding("points")
        requests.choose_encoding("points")
    assert caplog.text.count(f"sent as {form}") == 1
    assert service.stored == {}
    assert 99 in reads or service.forms == [0, 2, 99]


@pytest.mark.parametrize(("reads", "form"), [({0, 2}, "protobuf"), ({0}, "flatbuffers")])
def test_the_fault_may_be_the_rows_alone(reads: set[int], form: str) -> None:
    """An endpoint that answers 200 and names the impossible row has read it just as well."""
    service = Service()
    service.reads = reads
    service.names_bad_rows = True
    requests = PointRequests(cast(Client, service), "auto")
    requests.choose_encoding("points")
    assert requests._encoding == form
    assert service.stored == {}


@pytest.mark.parametrize("answer", ["OTSServerBusy", "OTSNoPermissionAccess"])
def test_trouble_of_the_asked_row_is_no_answer(answer: str) -> None:
    """Whatever says nothing of the form is raised, for the caller to wait or to stop."""
    service = Service(lambda _: [(0, answer, "x")])
    service.names_bad_rows = True
    with pytest.raises(RequestFailed):
        PointRequests(cast(Client, service), "auto").choose_encoding("points")


@pytest.mark.parametrize("encoding", ["protobuf", "flatbuffers"])
def test_a_set_form_is_not_asked_for(encoding: Any) -> None:
    """The setting decides without a request."""
    service = Service()
    PointRequests(cast(Client, service), encoding).choose_encoding("points")
    assert service.forms == []


def test_trouble_while_asking_is_no_answer() -> None:
    """A busy endpoint has not said no: the caller asks again."""
    service = Service()
    service.always = RequestFailed(BUSY)
    with pytest.raises(RequestFailed):
        PointRequests(cast(Client, service), "auto").choose_encoding("points")


def test_the_body_is_the_official_message() -> None:
    """The official SDK's classes read it, with its version, mode and checksum."""
    service = Service()
    write(service, [point(n) for n in range(300)], run_with("flatbuffers"))
    for body in service.bodies:
        request = PutTimeseriesDataRequest.FromString(body)
        assert (request.table_name, request.meta_update_mode) == ("points", 0)
        assert request.supported_table_version == 1
        assert request.rows_data.HasField("flatbuffer_crc32c")
    assert sum(map(len, service.requests)) == 300


def test_failed_rows_are_read() -> None:
    """Number, code and text of each, where the SDK itself raises AttributeError."""
    response = PutTimeseriesDataResponse()
    response.failed_rows.add(row_index=3, error_code="OTSServerBusy", error_message="busy")
    assert failed_points(response.SerializeToString()) == [(3, "OTSServerBusy", "busy")]
    assert failed_points(b"") == []
