"""Throughput limits: tables throttle with the codes of the service, changeable while it runs."""

import urllib.request
from typing import Any

import pytest
import tablestore as ots

from emulator.errors import ServiceError
from emulator.throughput import Throughput, ThroughputError, parse_limits, parse_option
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from tests.emulator import series
from tests.emulator.harness import Emulator, batch, put, row, running
from tests.emulator.read_requests import IGNORE, key

NOT_ENOUGH = "OTSNotEnoughCapacityUnit"
EXHAUSTED = "OTSCapacityUnitExhausted"
BUSY = "OTSServerBusy"
SLOW = 1e-6
"""CU a second that give nothing back while a test runs: the burst is all there is."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limit(emulator: Emulator, **fields: Any) -> None:
    emulator.control("/-/throughput", "POST", fields)


@pytest.fixture(autouse=True)
def unlimited(shared_emulator: Emulator) -> Any:
    """No limit stays behind."""
    yield
    shared_emulator.control("/-/throughput", "DELETE")


def codes(emulator: Emulator, table: str, rows: list[bytes]) -> list[str]:
    """For each row of a batch its error code, empty where it was written."""
    answer = emulator.send("BatchWriteRow", batch((table, rows)))
    assert answer.status == 200, answer.error
    found = wire.BatchWriteRowResponse.FromString(answer.body).tables[0].rows
    assert all(item.consumed.capacity_unit.write >= 1 for item in found if item.is_ok)
    return [item.error.code for item in found]


def passes(throughput: Throughput, partition: bytes = b"a", cost: int = 1) -> str:
    """Let one write through, or return the code of its refusal."""
    gate = throughput.gate("demo", "t")
    assert gate is not None
    try:
        gate.admit(partition, reads=False)
    except ServiceError as error:
        return error.code
    gate.take(partition, 0, cost)
    return ""


def test_capacity_comes_back_with_time() -> None:
    """As much a second as the limit says, and no more than its burst is saved up."""
    clock = Clock()
    throughput = Throughput(parse_limits({"write": 10, "burst": 2}), clock)
    assert [passes(throughput) for _ in range(21)] == [""] * 20 + [NOT_ENOUGH]
    clock.now += 1
    assert [passes(throughput) for _ in range(11)] == [""] * 10 + [NOT_ENOUGH]
    clock.now += 3600
    assert [passes(throughput) for _ in range(21)] == [""] * 20 + [NOT_ENOUGH]


def test_what_costs_more_than_is_left_goes_through_and_is_paid_back() -> None:
    """Else a row of more units than a second has would never be written."""
    clock = Clock()
    throughput = Throughput(parse_limits({"write": 10}), clock)
    assert passes(throughput, cost=35) == ""
    clock.now += 2.5
    assert passes(throughput) == NOT_ENOUGH
    clock.now += 0.1
    assert passes(throughput) == ""


def test_a_hot_partition_key_is_refused_while_others_are_served() -> None:
    throughput = Throughput(parse_limits({"partition_key": 5}), Clock())
    assert [passes(throughput, b"hot") for _ in range(6)] == [""] * 5 + [EXHAUSTED]
    assert [passes(throughput, b"cold") for _ in range(5)] == [""] * 5
    assert throughput.throttled == {EXHAUSTED: 1}


def test_the_first_limit_that_matches_decides() -> None:
    """Limits that are added come first; another instance is another table."""
    throughput = Throughput(parse_limits([{"write": 1}]), Clock())
    throughput.add(parse_limits([{"table": "t", "instance": "demo", "write": 3, "code": BUSY}]))
    assert [passes(throughput) for _ in range(4)] == ["", "", "", BUSY]
    other = throughput.gate("other", "t")
    assert other is not None
    assert other.limit.write == 1


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("x", "expected a list of throughput limits"),
        ([1], "a throughput limit must be a JSON object"),
        ({"writes": 1}, "unknown field 'writes'"),
        ({"write": True}, "field 'write' has a value of the wrong type"),
        ({"write": 0}, "field 'write' must be more than 0"),
        ({"write": 1, "code": "OTSTimeout"}, "field 'code' must be one of"),
        ({"table": "t"}, "one of 'read', 'write', 'partition_key', 'in_flight' is needed"),
    ],
)
def test_a_limit_with_a_mistake_is_named(document: object, text: str) -> None:
    with pytest.raises(ThroughputError, match=text):
        parse_limits(document)


def test_a_limit_can_be_an_option() -> None:
    found = parse_option("orders:-:200:50")
    assert (found.table, found.read, found.write, found.partition_key) == ("orders", None, 200, 50)
    assert parse_option("*:10:-").table is None
    for text in ("orders", "orders:x:1", ":1:1", "orders:-:-"):
        with pytest.raises(ThroughputError):
            parse_option(text)


def test_rows_of_a_batch_are_throttled_alone(emulator: Emulator) -> None:
    """Inside HTTP 200, in order: those that fit are written, the others can be sent again."""
    table = emulator.make_table()
    limit(emulator, table=table, write=SLOW, burst=3 / SLOW)
    rows = [row(key(number), [("c", 1)]) for number in range(5)]
    assert codes(emulator, table, rows) == ["", "", "", NOT_ENOUGH, NOT_ENOUGH]
    limit(emulator, table=table, write=SLOW, burst=5 / SLOW)
    assert codes(emulator, table, rows[3:]) == ["", ""]
    found = wire.GetRangeResponse.FromString(emulator.send("GetRange", whole(table)).body)
    assert found.rows.count(b"\x03\x04\x02\x00\x00\x00id") == 5


def whole(table: str) -> wire.GetRangeRequest:
    low, high = (
        pb.HEADER + pb.encode_row([(b"k", bytes((end,))), (b"id", bytes((end,)))])
        for end in (pb.INF_MIN, pb.INF_MAX)
    )
    return wire.GetRangeRequest(
        table_name=table,
        direction=0,
        max_versions=1,
        inclusive_start_primary_key=low,
        exclusive_end_primary_key=high,
    )


def test_large_rows_take_more(emulator: Emulator) -> None:
    """A row of 9 KB counts for three units."""
    table = emulator.make_table()
    limit(emulator, table=table, write=SLOW, burst=4 / SLOW)
    rows = [row(key(number), [("c", "x" * 9000)]) for number in range(3)]
    assert codes(emulator, table, rows) == ["", "", NOT_ENOUGH]


@pytest.mark.parametrize("code", [NOT_ENOUGH, BUSY])
def test_writes_of_one_row_are_refused_as_a_whole(emulator: Emulator, code: str) -> None:
    table = emulator.make_table()
    limit(emulator, table=table, write=SLOW, burst=1 / SLOW, code=code)
    change = put(table, row(key(1), [("c", 1)]))
    assert emulator.send("PutRow", change).status == 200
    refused = emulator.send("PutRow", change)
    assert refused.error[:2] == ({NOT_ENOUGH: 403, BUSY: 503}[code], code)
    assert emulator.control("/-/throughput")["throttled"][code] >= 1


def test_reads_have_a_limit_of_their_own(emulator: Emulator) -> None:
    """One row, each row of a batch, a range; writes go on."""
    table = emulator.make_table()
    emulator.send("PutRow", put(table, row(key(1), [("c", "x" * 5000)])))
    limit(emulator, table=table, read=SLOW, burst=5 / SLOW)
    get = wire.GetRowRequest(table_name=table, primary_key=row(key(1)), max_versions=1)
    assert emulator.send("GetRow", get).status == 200
    part = wire.TableInBatchGetRowRequest(
        table_name=table, primary_key=[row(key(1))] * 3, max_versions=1
    )
    answer = emulator.send("BatchGetRow", wire.BatchGetRowRequest(tables=[part]))
    found = wire.BatchGetRowResponse.FromString(answer.body).tables[0].rows
    assert [item.error.code for item in found] == ["", "", NOT_ENOUGH]
    assert emulator.send("GetRow", get).error[:2] == (403, NOT_ENOUGH)
    assert emulator.send("GetRange", whole(table)).error[:2] == (403, NOT_ENOUGH)
    assert emulator.send("PutRow", put(table, row(key(2), [("c", 1)]))).status == 200


def test_a_hot_key_fails_only_its_rows(emulator: Emulator) -> None:
    table = emulator.make_table()
    limit(emulator, table=table, partition_key=SLOW, burst=2 / SLOW)
    rows = [row(key(number, "hot"), [("c", 1)]) for number in range(3)]
    rows += [row(key(number, "cold"), [("c", 1)]) for number in range(2)]
    assert codes(emulator, table, rows) == ["", "", EXHAUSTED, "", ""]


def test_a_check_that_fails_costs_too(emulator: Emulator) -> None:
    """One unit of each, as the guide says."""
    table = emulator.make_table()
    limit(emulator, table=table, write=SLOW, burst=1 / SLOW)
    change = put(table, row(key(1), [("c", 1)]))
    change.condition.row_existence = 1
    assert emulator.send("PutRow", change).error[1] == "OTSConditionCheckFail"
    assert emulator.send("PutRow", change).error[1] == NOT_ENOUGH


def test_points_are_throttled_alone(emulator: Emulator) -> None:
    """Each is in the list of failed rows with the code; reads are refused as a whole."""
    from tablestore.metadata import TimeseriesRow

    client = emulator.client()
    table = series.make(client, "throttled")
    try:
        limit(emulator, table=table, write=SLOW, read=SLOW, burst=2 / SLOW)
        points = [TimeseriesRow(series.key(), {"n": time}, time) for time in range(1, 4)]
        failed = series.failures(emulator, table, *points)
        assert [(item.row_index, item.error_code) for item in failed] == [(2, NOT_ENOUGH)]
        assert series.times(series.get(client, table)) == [1, 2]
        series.get(client, table)
        assert series.refused(lambda: series.get(client, table))[:2] == (403, NOT_ENOUGH)
    finally:
        client.delete_timeseries_table(table)


def test_limits_change_while_it_runs(emulator: Emulator) -> None:
    """POST replaces or adds, DELETE removes, GET shows; a mistake changes nothing."""
    limit(emulator, table="a", write=5)
    emulator.control("/-/throughput?add=1", "POST", [{"table": "b", "in_flight": 2}])
    shown = emulator.control("/-/throughput")["limits"]
    assert [(item["table"], item["write"], item["in_flight"]) for item in shown] == [
        ("b", None, 2),
        ("a", 5, None),
    ]
    wrong = emulator.control("/-/throughput", "POST", {"writes": 1})
    assert "unknown field 'writes'" in wrong["error"]
    assert len(emulator.control("/-/throughput")["limits"]) == 2
    assert emulator.control("/-/throughput", "DELETE")["limits"] == []


def test_a_table_takes_so_many_requests_at_once() -> None:
    """What comes on top is busy; more latency makes the limit felt earlier."""
    throughput = Throughput(parse_limits({"table": "t", "in_flight": 2}), Clock())
    entered = throughput.enter("demo", {"t"}) + throughput.enter("demo", {"t", "free"})
    with pytest.raises(ServiceError) as caught:
        throughput.enter("demo", {"t"})
    assert caught.value.code == BUSY
    throughput.leave(entered[:1])
    assert throughput.enter("demo", {"t"}) == [("demo", "t")]


def test_an_option_limits_from_the_start() -> None:
    """`*` is each table, with a budget of its own."""
    with running("--throughput", "*:-:0.000001") as server:
        client = server.client(retry_policy=ots.NoRetryPolicy())
        tables = [server.make_table(), server.make_table()]
        for table in tables:
            client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
            with pytest.raises(ots.OTSServiceError) as caught:
                client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
            assert caught.value.code == NOT_ENOUGH


def test_units_count_the_key_of_a_check_and_the_versions(emulator: Emulator) -> None:
    """A check reads the key; versions are 8 bytes where a table keeps more than one."""
    columns = [(f"k{number}", "STRING") for number in range(4)]
    table = emulator.make_table(columns)
    wide = [(name, "x" * 1024) for name, _ in columns]
    change = put(table, row(wide, [("c", 1)]))
    change.condition.row_existence = 2
    answer = wire.ChangeRowResponse.FromString(emulator.send("PutRow", change).body)
    unit = answer.consumed.capacity_unit
    assert (unit.read, unit.write) == (2, 2)
    exact = [("c", "x" * (4096 - len("ka") - len("id") - 8 - len("c")))]
    for versions, units in ((1, 1), (2, 2)):
        table = emulator.make_table(max_version=versions)
        put_answer = emulator.send("PutRow", put(table, row(key(1), exact)))
        written = wire.ChangeRowResponse.FromString(put_answer.body).consumed.capacity_unit.write
        get = wire.GetRowRequest(table_name=table, primary_key=row(key(1)), max_versions=1)
        got = wire.GetRowResponse.FromString(emulator.send("GetRow", get).body)
        assert (written, got.consumed.capacity_unit.read) == (units, units)


def test_the_page_shows_limits_and_what_they_refused(emulator: Emulator) -> None:
    """The page shows limits and their refusals only where there are any."""
    assert "<h2>Throughput</h2>" not in page(emulator)
    table = emulator.make_table()
    limit(emulator, table=table, write=SLOW)
    rows = [row(key(number), [("c", 1)]) for number in range(2)]
    assert codes(emulator, table, rows) == ["", NOT_ENOUGH]
    shown = page(emulator)
    assert f"table {table}, write 1e-06" in shown
    assert f"{NOT_ENOUGH} " in shown


def page(emulator: Emulator) -> str:
    with urllib.request.urlopen(emulator.url + "/") as answer:
        return str(answer.read().decode())
