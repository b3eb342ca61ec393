"""Batches: what refuses the whole request and what only its own row."""

from collections.abc import Callable
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8
from tests.emulator.harness import IGNORE as WIRE_IGNORE
from tests.emulator.harness import Emulator, all_rows, batch, columns, now_ms, row, running

IGNORE = ots.Condition("IGNORE")


def key(number: int, k: str = "a") -> list[tuple[str, Any]]:
    return [("k", k), ("id", number)]


def answers(emulator: Emulator, request: wire.BatchWriteRowRequest) -> list[list[Any]]:
    answer = emulator.send("BatchWriteRow", request)
    assert answer.status == 200, answer.error
    response = wire.BatchWriteRowResponse.FromString(answer.body)
    return [list(table.rows) for table in response.tables]


def refusal(emulator: Emulator, request: wire.BatchWriteRowRequest) -> tuple[int, str, str]:
    answer = emulator.send("BatchWriteRow", request)
    assert answer.status != 200
    return answer.error


def invalid(text: str) -> tuple[int, str, str]:
    return 400, "OTSParameterInvalid", text


def test_200_rows_of_two_tables_are_written_in_order(emulator: Emulator, client: Any) -> None:
    one, two = emulator.make_table(), emulator.make_table()
    request = ots.BatchWriteRowRequest()
    for table in (one, two):
        items = [
            ots.PutRowItem(ots.Row(key(number), [("c", number)]), IGNORE) for number in range(100)
        ]
        request.add(ots.TableInBatchWriteRowItem(table, items))
    answer = client.batch_write_row(request)
    assert answer.is_all_succeed()
    for table in (one, two):
        assert [columns(found)["c"] for found in all_rows(client, table)] == list(range(100))


def test_puts_updates_and_deletes_in_one_batch(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for number in (1, 2):
        client.put_row(table, ots.Row(key(number), [("old", 1)]), IGNORE)
    request = ots.BatchWriteRowRequest()
    items = [
        ots.PutRowItem(ots.Row(key(0), [("c", 1)]), IGNORE),
        ots.UpdateRowItem(ots.Row(key(1), {"PUT": [("c", 2)]}), IGNORE),
        ots.DeleteRowItem(ots.Row(key(2)), IGNORE),
    ]
    request.add(ots.TableInBatchWriteRowItem(table, items))
    answer = client.batch_write_row(request)
    assert len(answer.get_succeed_of_put()) == 1
    assert len(answer.get_succeed_of_update()) == 1
    assert len(answer.get_succeed_of_delete()) == 1
    assert [columns(found) for found in all_rows(client, table)] == [{"c": 1}, {"old": 1, "c": 2}]


def test_a_bad_row_of_its_table_fails_alone(emulator: Emulator, client: Any) -> None:
    """Key mismatch, defined type, failed condition: HTTP 200, and the neighbours are written."""
    table = emulator.make_table(defined=[("d", "INTEGER")])
    request = batch(
        (
            table,
            [
                row(key(0), [("c", 1)]),
                row([("k", "a")], [("c", 1)]),
                row([("id", 1), ("k", "a")], [("c", 1)]),
                row([("k", 1), ("id", 1)], [("c", 1)]),
                row(key(4), [("d", "text")]),
                row(key(5), [("k", 1)]),
                row(key(6), [("c", 1)]),
                row(key(7), [("c", 1)]),
            ],
        )
    )
    request.tables[0].rows[6].condition.row_existence = 1
    found = answers(emulator, request)[0]
    assert [(item.is_ok, item.error.code) for item in found] == [
        (True, ""),
        (False, "OTSInvalidPK"),
        (False, "OTSInvalidPK"),
        (False, "OTSInvalidPK"),
        (False, "OTSParameterInvalid"),
        (False, "OTSParameterInvalid"),
        (False, "OTSConditionCheckFail"),
        (True, ""),
    ]
    assert found[1].error.message == "Validate PK size fail. Input: 1, Meta: 2."
    assert found[6].error.message == "Condition check failed."
    kept = [each.primary_key[1][1] for each in all_rows(client, table)]
    assert kept == [0, 7]


def broken(buffer: bytes) -> bytes:
    return buffer[:-1] + bytes((buffer[-1] ^ 1,))


@pytest.mark.parametrize(
    "bad",
    [
        broken(row(key(9), [("c", 1)])),
        row(key(9), [("#c", 1)]),
        row(key(9, "x" * 1025), [("c", 1)]),
        row(key(9), [("c", "x" * 2097153)]),
        row(key(9), [(f"c{number}", 1) for number in range(1025)]),
        row(key(9), [("c", float("nan"))]),
    ],
    ids=["checksum", "name", "key length", "value length", "columns", "nan"],
)
def test_a_row_that_no_table_could_take_fails_the_whole_request(
    emulator: Emulator, client: Any, bad: bytes
) -> None:
    """Its neighbours are not written; this is why a client must look before it batches."""
    table = emulator.make_table()
    status, code, _ = refusal(emulator, batch((table, [row(key(1), [("c", 1)]), bad])))
    assert (status, code) == (400, "OTSParameterInvalid")
    assert all_rows(client, table) == []


def test_requests_without_rows_are_refused(emulator: Emulator) -> None:
    assert refusal(emulator, batch()) == invalid("No row is specified in BatchWriteRow.")
    assert refusal(emulator, batch(("t", []))) == invalid(
        "No operation is specified for table: 't'."
    )


def test_a_table_may_stand_in_a_batch_once(emulator: Emulator) -> None:
    table = emulator.make_table()
    rows = [row(key(1), [("c", 1)])]
    status, code, text = refusal(emulator, batch((table, rows), (table, rows)))
    assert (status, code) == (400, "OTSParameterInvalid")
    assert text.startswith("Duplicated table name")


def test_a_bad_table_name_is_refused(emulator: Emulator) -> None:
    found = refusal(emulator, batch(("9t", [row(key(1))])))
    assert found == invalid("Invalid table name: '9t'.")


def test_201_rows_are_refused(emulator: Emulator, client: Any) -> None:
    one, two = emulator.make_table(), emulator.make_table()
    request = batch(
        (one, [row(key(number)) for number in range(101)]),
        (two, [row(key(number)) for number in range(100)]),
    )
    assert refusal(emulator, request) == invalid("Rows count exceeds the upper limit: 200.")
    assert all_rows(client, one) == []


def test_4_mib_of_data_are_the_limit(emulator: Emulator) -> None:
    """Counted is data: names and values, not the bytes around them."""
    table = emulator.make_table()
    others = len("k") + len("id") + len("a") + 8 + len("c")
    value = "x" * (1024 * 1024 - others)
    rows = [row(key(number), [("c", value)]) for number in range(4)]
    answers(emulator, batch((table, rows)))
    rows[0] = row(key(0), [("c", f"{value}1234")])
    assert refusal(emulator, batch((table, rows))) == invalid(
        "The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304,"
        " data size: 4194308."
    )


def test_a_missing_table_fails_the_request_or_its_rows() -> None:
    """The service's documents and tests disagree: a switch, by default the whole request."""
    for option, whole in (("request", True), ("row", False)):
        with running("--missing-table", option) as server:
            table = server.make_table()
            request = batch((table, [row(key(1))]), ("missing", [row(key(1)), row(key(2))]))
            if whole:
                assert refusal(server, request) == (
                    404,
                    "OTSObjectNotExist",
                    "Requested table does not exist.",
                )
            else:
                found = answers(server, request)
                assert [item.is_ok for item in found[0]] == [True]
                assert [item.error.code for item in found[1]] == ["OTSObjectNotExist"] * 2


def test_repeated_rows_are_applied_in_order(emulator: Emulator, client: Any) -> None:
    """Ten puts of one key: the last wins; updates of one key merge (official SDK tests)."""
    table = emulator.make_table()
    request = ots.BatchWriteRowRequest()
    items: list[Any] = [
        ots.PutRowItem(ots.Row(key(1), [(f"c{number}", number)]), IGNORE) for number in range(10)
    ]
    items += [
        ots.UpdateRowItem(ots.Row(key(2), {"PUT": [(f"c{number}", number)]}), IGNORE)
        for number in range(3)
    ]
    items += [
        ots.PutRowItem(ots.Row(key(3), [("c", 1)]), IGNORE),
        ots.DeleteRowItem(ots.Row(key(3)), IGNORE),
    ]
    request.add(ots.TableInBatchWriteRowItem(table, items))
    assert client.batch_write_row(request).is_all_succeed()
    assert [columns(found) for found in all_rows(client, table)] == [
        {"c9": 9},
        {"c0": 0, "c1": 1, "c2": 2},
    ]


def test_repeated_rows_with_a_check_are_refused(emulator: Emulator) -> None:
    table = emulator.make_table()
    request = batch((table, [row(key(1)), row(key(1))]))
    request.tables[0].rows[0].condition.row_existence = 2
    assert refusal(emulator, request) == invalid(
        "Repeated rows do not support row exist expectation check in BatchModify."
    )


def test_strictly_no_row_may_repeat() -> None:
    with running("--duplicates", "strict") as server:
        table = server.make_table()
        request = batch((table, [row(key(1)), row(key(2)), row(key(1))]))
        assert refusal(server, request) == invalid("Duplicate rows detected in MultiPut.")
        answers(server, batch((table, [row(key(1)), row(key(2))])))


def bulk(table: str, rows: list[bytes], kind: int = 1) -> wire.BulkImportRequest:
    request = wire.BulkImportRequest(table_name=table)
    for buffer in rows:
        request.rows.add(type=kind, row_change=buffer)
    return request


def imported(emulator: Emulator, request: wire.BulkImportRequest) -> wire.BulkImportResponse:
    answer = emulator.send("BulkImport", request)
    assert answer.status == 200, answer.error
    return wire.BulkImportResponse.FromString(answer.body)


def test_bulk_import_writes_rows(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    rows = [row(key(number), [("c", "xy")]) for number in range(200)]
    response = imported(emulator, bulk(table, rows))
    assert response.table_name == table
    assert all(item.is_ok for item in response.rows)
    consumed = response.rows[0].consumed
    assert (consumed.capacity_unit.read, consumed.capacity_unit.write) == (0, 0)
    assert consumed.capacity_data_size.write_size == len("k") + len("id") + 1 + 8 + len("cxy")
    assert len(all_rows(client, table)) == 200
    versioned = imported(emulator, bulk(table, [row(key(1), [("c", "xy", now_ms())])]))
    assert versioned.rows[0].consumed == consumed, "a version costs nothing"


def test_bulk_import_updates_and_deletes(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    imported(emulator, bulk(table, [row(key(1), [("a", 1)]), row(key(2), [("a", 1)])]))
    imported(emulator, bulk(table, [row(key(1), [("b", 2)])], kind=2))
    marker = pb.HEADER + pb.encode_row([(b"k", pb.text(b"a")), (b"id", pb.integer(2))])
    deleted = marker[:-2] + b"\x08\x09"
    sums = bytes([marker[marker.index(b"\x0a") + 1], marker[-3], 1])
    imported(emulator, bulk(table, [deleted + bytes((crc8(sums, 0),))], kind=3))
    assert [columns(found) for found in all_rows(client, table)] == [{"a": 1, "b": 2}]


def test_bulk_import_gives_a_missing_table_per_row(emulator: Emulator) -> None:
    response = imported(emulator, bulk("missing", [row(key(1)), row(key(2))]))
    assert [(item.is_ok, item.error.code) for item in response.rows] == [
        (False, "OTSObjectNotExist")
    ] * 2


def test_bulk_import_limits(emulator: Emulator) -> None:
    table = emulator.make_table()
    assert emulator.send("BulkImport", bulk(table, [])).error == invalid(
        f"No operation is specified for table: '{table}'."
    )
    rows = [row(key(number)) for number in range(201)]
    assert emulator.send("BulkImport", bulk(table, rows)).error == invalid(
        "Rows count exceeds the upper limit: 200."
    )


def batch_get(client: Any, table: str, keys: list[Any], **options: Any) -> Any:
    request = ots.BatchGetRowRequest()
    request.add(ots.TableInBatchGetRowItem(table, keys, **options))
    return client.batch_get_row(request).get_result_by_table(table)


def test_batch_get_answers_each_key_in_order(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for number in (0, 2):
        client.put_row(table, ots.Row(key(number), [("c", number)]), IGNORE)
    found = batch_get(client, table, [key(2), key(1), [("k", "a")], key(0)], max_version=1)
    assert [item.is_ok for item in found] == [True, True, False, True]
    assert found[0].row.attribute_columns[0][1] == 2
    assert found[1].row is None
    assert (found[2].error_code, found[2].error_message) == (
        "OTSInvalidPK",
        "Validate PK size fail. Input: 1, Meta: 2.",
    )
    assert found[3].row.attribute_columns[0][1] == 0


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


def test_batch_get_limits(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    keys = [key(number) for number in range(101)]
    assert refused(lambda: batch_get(client, table, keys, max_version=1)) == invalid(
        "Rows count exceeds the upper limit: 100."
    )
    assert len(batch_get(client, table, keys[:100], max_version=1)) == 100
    answer = emulator.send("BatchGetRow", wire.BatchGetRowRequest())
    assert answer.error == invalid("No row specified in the request of BatchGetRow.")


def test_atomic_batches_are_all_or_nothing(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(defined=[("d", "INTEGER")])
    good = batch((table, [row(key(number), [("c", 1)]) for number in range(3)]))
    good.is_atomic = True
    assert all(item.is_ok for item in answers(emulator, good)[0])
    bad = batch((table, [row(key(7), [("c", 1)]), row(key(8), [("d", "text")])]))
    bad.is_atomic = True
    assert [item.is_ok for item in answers(emulator, bad)[0]] == [False, False]
    assert len(all_rows(client, table)) == 3


def test_atomic_batches_stay_in_one_partition(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table([("p", "INTEGER")])
    request = batch((table, [row([("p", 0)], [("c", 1)]), row([("p", 1)], [("c", 1)])]))
    request.is_atomic = True
    for item in answers(emulator, request)[0]:
        assert (item.error.code, item.error.message) == (
            "OTSDataOutOfRange",
            "Data out of scope of atomic. Atomic PartKey:0. Data PartKey:1",
        )
    assert all_rows(client, table, [("p",)]) == []


def test_a_long_row_costs_a_unit_for_each_4_kb(emulator: Emulator) -> None:
    table = emulator.make_table()
    rows = [row(key(1), [("c", "x" * size)]) for size in (1, 4096, 9000)]
    request = batch((table, rows))
    request.tables[0].rows[0].condition.CopyFrom(WIRE_IGNORE)
    found = answers(emulator, request)[0]
    assert [item.consumed.capacity_unit.write for item in found] == [1, 2, 3]
