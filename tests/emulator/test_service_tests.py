"""What the vendor's own Java and Python tests assert of the service, tried here with the SDK."""

import time
from functools import partial
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, all_rows, batch, columns, now_ms, row, running
from tests.emulator.read_requests import IGNORE, cells, ids, invalid, key, refused

NAMES = [
    "a-b",
    ".abc",
    "abc:",
    '"',
    "a$b",
    "&",
    "a(b",
    "\\",
    "a\nb",
    " ",
    "1st",
    "阿里巴巴",
    "a" * 255,
]


@pytest.mark.parametrize("change", [{"DELETE_ALL": ["c", "d"]}, {"DELETE": [("c", None, 1)]}])
def test_deletes_alone_make_no_row(emulator: Emulator, client: Any, change: Any) -> None:
    """By UpdateRow and in a batch, in a row that never was and in one deleted just before."""
    table = emulator.make_table()
    update = ots.Row(key(1), change)
    client.update_row(table, update, IGNORE)
    assert cells(client, table, max_version=1) is None
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
    request = ots.BatchWriteRowRequest()
    items = [ots.DeleteRowItem(ots.Row(key(1)), IGNORE), ots.UpdateRowItem(update, IGNORE)]
    request.add(ots.TableInBatchWriteRowItem(table, items))
    assert client.batch_write_row(request).is_all_succeed()
    assert all_rows(client, table) == []
    client.put_row(table, ots.Row(key(1), [("c", 1)]), ots.Condition("EXPECT_NOT_EXIST"))
    client.update_row(table, ots.Row(key(1), {"DELETE_ALL": ["c"]}), IGNORE)
    assert cells(client, table, max_version=1) == [], "a row that is there stays"


def test_more_key_columns_than_any_table_has(emulator: Emulator, client: Any) -> None:
    """Refused for the whole request, before the table is looked at."""
    table = emulator.make_table()
    expected = invalid("The number of primary key columns must be in range: [1, 4].")
    five = [(f"k{number}", "a") for number in range(5)]
    read = ots.BatchGetRowRequest()
    read.add(ots.TableInBatchGetRowItem(table, [key(1), five], [], None, 1))
    write = ots.BatchWriteRowRequest()
    items = [ots.PutRowItem(ots.Row(each, [("c", 1)]), IGNORE) for each in (key(1), five)]
    write.add(ots.TableInBatchWriteRowItem(table, items))
    low, high = ([(name, bound) for name, _ in five] for bound in (ots.INF_MIN, ots.INF_MAX))
    for call in (
        lambda: client.put_row(table, ots.Row(five, [("c", 1)]), IGNORE),
        lambda: client.update_row(table, ots.Row(five, {"PUT": [("c", 1)]}), IGNORE),
        lambda: client.delete_row(table, ots.Row(five), IGNORE),
        lambda: client.get_row(table, five, max_version=1),
        lambda: client.batch_get_row(read),
        lambda: client.batch_write_row(write),
        lambda: client.get_range(table, "FORWARD", low, high, max_version=1),
    ):
        assert refused(call) == expected
    assert all_rows(client, table) == []


@pytest.mark.parametrize("kind", [str, bytearray])
def test_a_version_counts_8_bytes_of_a_batch(emulator: Emulator, kind: Any) -> None:
    """Three rows of 1,398,101 bytes with their key, name and version, and two bytes more."""
    table, stamp = emulator.make_table([("pk", "STRING")]), now_ms()

    def sent(*lengths: int) -> tuple[int, str, str]:
        cells = [
            (
                "k" * 50,
                "a" * length if kind is str else b"a" * length,
                stamp,
            )
            for length in lengths
        ]
        rows = [
            row([("pk", "v" * 96 + f"{number:02}")], [cell]) for number, cell in enumerate(cells)
        ]
        answer = emulator.send("BatchWriteRow", batch((table, rows)))
        return (200, "", "") if answer.status == 200 else answer.error

    assert sent(1_397_945, 1_397_943, 1_397_943) == invalid(
        "The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304,"
        " data size: 4194305."
    )
    assert sent(1_397_944, 1_397_943, 1_397_943)[0] == 200


@pytest.mark.parametrize("name", ["", "0", "#", "中文", "T#", "T中文", "3t", "-", "a" * 256])
def test_the_name_of_a_table_is_looked_at_first(emulator: Emulator, name: str) -> None:
    """Whatever else is wrong: no choice of versions, a broken row, an empty range."""
    broken: dict[str, Any] = {"table_name": name, "condition": wire.Condition(row_existence=9)}
    requests = {
        "PutRow": wire.PutRowRequest(row=b"x", **broken),
        "UpdateRow": wire.UpdateRowRequest(row_change=b"x", **broken),
        "DeleteRow": wire.DeleteRowRequest(primary_key=b"x", **broken),
        "GetRow": wire.GetRowRequest(table_name=name, primary_key=b"x"),
        "GetRange": wire.GetRangeRequest(
            table_name=name,
            direction=7,
            inclusive_start_primary_key=b"x",
            exclusive_end_primary_key=b"x",
        ),
        "BatchGetRow": wire.BatchGetRowRequest(),
        "BatchWriteRow": batch((name, [b"x"])),
        "BulkImport": wire.BulkImportRequest(table_name=name),
        "DescribeTable": wire.DescribeTableRequest(table_name=name),
        "UpdateTable": wire.UpdateTableRequest(table_name=name),
        "DeleteTable": wire.DeleteTableRequest(table_name=name),
    }
    requests["BatchGetRow"].tables.add(table_name=name, primary_key=[b"x"])  # type: ignore[attr-defined]
    for api, request in requests.items():
        assert emulator.send(api, request).error == invalid(f"Invalid table name: '{name}'."), api


def test_a_table_without_keys_is_read_as_nothing(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    request = ots.BatchGetRowRequest()
    request.add(ots.TableInBatchGetRowItem(table, [], [], None, 1))
    assert client.batch_get_row(request).get_result_by_table(table) == []


def test_transactions_are_refused_with_the_texts_of_the_service(
    emulator: Emulator, client: Any
) -> None:
    table = emulator.make_table()
    one = invalid("StartLocalTransaction support only one primary key.")
    assert refused(lambda: client.start_local_transaction(table, key(1))) == one
    bad = invalid("TransactionID is invalid.")
    assert refused(lambda: client.commit_transaction("")) == bad
    assert refused(lambda: client.abort_transaction("")) == bad
    transaction = client.start_local_transaction(table, [("k", "a")])
    assert refused(lambda: client.start_local_transaction(table, [("k", "a")])) == (
        409,
        "OTSRowOperationConflict",
        "Data is being modified by the other request.",
    )
    for write in (
        lambda: client.update_row(table, ots.Row(key(1), {"PUT": [("c", 1)]}), IGNORE),
        lambda: client.delete_row(table, ots.Row(key(1)), IGNORE),
    ):
        assert refused(write)[1] == "OTSRowOperationConflict"
    request = ots.BatchWriteRowRequest()
    item = ots.PutRowItem(ots.Row(key(1), [("c", 1)]), IGNORE)
    request.add(ots.TableInBatchWriteRowItem(table, [item]))
    (failed,) = client.batch_write_row(request).get_put()[1]
    assert failed.error_code == "OTSRowOperationConflict"
    client.abort_transaction(transaction)


def test_a_transaction_ends_by_itself() -> None:
    """Then its changes are gone, its lock is free and its id is unknown."""
    with running("--transaction-lifetime", "0.4") as server:
        table, client = server.make_table(), server.client()
        transaction = client.start_local_transaction(table, [("k", "a")])
        change = ots.Row(key(1), [("c", 1)])
        client.put_row(table, change, IGNORE, transaction_id=transaction)
        assert refused(lambda: client.put_row(table, change, IGNORE))[0] == 409
        time.sleep(0.5)
        gone = (404, "OTSSessionNotExist", "Session not exist or may be timeout.")
        assert refused(lambda: client.commit_transaction(transaction)) == gone
        assert refused(lambda: client.abort_transaction(transaction)) == gone
        assert (
            refused(lambda: client.put_row(table, change, IGNORE, transaction_id=transaction))
            == gone
        )
        assert all_rows(client, table) == []
        client.put_row(table, change, ots.Condition("EXPECT_NOT_EXIST"))
        client.abort_transaction(client.start_local_transaction(table, [("k", "a")]))


def test_a_table_may_be_made_without_transactions(emulator: Emulator, client: Any) -> None:
    """Only the Java SDK sends this field; what it says outlives a change of the table."""
    request = wire.CreateTableRequest(
        table_meta=wire.TableMeta(
            table_name="plain", primary_key=[wire.PrimaryKeySchema(name="k", type=2)]
        ),
        reserved_throughput=wire.ReservedThroughput(
            capacity_unit=wire.CapacityUnit(read=0, write=0)
        ),
        table_options=wire.TableOptions(time_to_live=-1, max_versions=1),
        enable_local_txn=False,
    )
    assert emulator.send("CreateTable", request).status == 200
    client.update_table("plain", ots.TableOptions(-1, 2))
    assert refused(lambda: client.start_local_transaction("plain", [("k", "a")])) == invalid(
        "Try to call method using explicit transaction on explicit-transaction-disabled table."
    )


def test_columns_have_any_name_unless_those_of_the_guide_are_asked_for() -> None:
    with running("--column-names", "documented") as server:
        table, client = server.make_table(), server.client()
        for name in NAMES[:-1]:
            change = ots.Row(key(1), [(name, 1)])
            write = partial(client.put_row, table, change, IGNORE)
            assert refused(write) == invalid(f"Invalid column name: '{name}'.")
    with running() as server:
        table, client = server.make_table(), server.client()
        for name in NAMES:
            buffer = row(key(1), [(name, 1)])  # the SDK counts names in characters, not bytes
            answer = server.send("BatchWriteRow", batch((table, [buffer])))
            written = wire.BatchWriteRowResponse.FromString(answer.body)
            assert written.tables[0].rows[0].is_ok
            found = client.get_row(table, key(1), [name], max_version=1)[1]
            assert columns(found) == {name: 1}
            same = ots.SingleColumnCondition(name, 1, ots.ComparatorType.EQUAL)
            low, high = key(0), key(9)
            options: dict[str, Any] = {"column_filter": same, "max_version": 1}
            assert ids(client.get_range(table, "FORWARD", low, high, **options)[2]) == [1]
        for name in ("#", "#abc", "a" * 256):
            answer = server.send("BatchWriteRow", batch((table, [row(key(1), [(name, 1)])])))
            assert answer.error == invalid(f"Invalid column name: '{name}'.")
