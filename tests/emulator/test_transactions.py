"""Transactions: seen and applied as one, aborted, within one partition."""

from typing import Any

import tablestore as ots

from tests.emulator.harness import Emulator, columns
from tests.emulator.read_requests import IGNORE, cells, invalid, key, refused


def test_a_transaction_is_seen_and_applied_as_one(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
    transaction = client.start_local_transaction(table, [("k", "a")])
    change = ots.Row(key(1), [("c", 2)])
    client.put_row(table, change, IGNORE, transaction_id=transaction)
    inside = client.get_row(table, key(1), max_version=1, transaction_id=transaction)[1]
    outside = client.get_row(table, key(1), max_version=1)[1]
    assert (columns(inside), columns(outside)) == ({"c": 2}, {"c": 1})
    assert refused(lambda: client.put_row(table, change, IGNORE)) == (
        409,
        "OTSRowOperationConflict",
        "Data is being modified by the other request.",
    )
    client.put_row(table, ots.Row(key(1, "b"), [("c", 1)]), IGNORE)
    client.commit_transaction(transaction)
    assert cells(client, table, max_version=1)[0][1] == 2  # type: ignore[index]
    assert refused(lambda: client.commit_transaction(transaction))[1:] == (
        "OTSSessionNotExist",
        "Session not exist or may be timeout.",
    )
    assert refused(lambda: client.commit_transaction("no id")) == invalid(
        "TransactionID is invalid."
    )


def test_an_aborted_transaction_changes_nothing(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    transaction = client.start_local_transaction(table, [("k", "a")])
    change = ots.Row(key(1), [("c", 2)])
    client.put_row(table, change, IGNORE, transaction_id=transaction)
    client.abort_transaction(transaction)
    assert cells(client, table, max_version=1) is None
    client.put_row(table, change, IGNORE)


def test_a_transaction_stays_in_its_partition(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    transaction = client.start_local_transaction(table, [("k", "key1")])
    change = ots.Row(key(1, "key2"), [("c", 2)])
    found = refused(lambda: client.put_row(table, change, IGNORE, transaction_id=transaction))
    assert found[1:] == (
        "OTSDataOutOfRange",
        "Data out of scope of transaction. Transaction PartKey:key1. Data PartKey:key2",
    )
