"""Reads: versions, time ranges, columns, ranges in both directions, pages."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, all_rows, now_ms, put, row, running
from tests.emulator.read_requests import IGNORE, cells, invalid, key, refused, scan

# ---- versions -----------------------------------------------------------------------------


def test_versions_are_kept_newest_first_up_to_the_maximum(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=3)
    now = now_ms()
    for step in (2, 0, 3, 1):
        client.update_row(table, ots.Row(key(1), {"PUT": [("c", step, now + step)]}), IGNORE)
    assert cells(client, table, max_version=10) == [
        ("c", 3, now + 3),
        ("c", 2, now + 2),
        ("c", 1, now + 1),
    ]
    assert cells(client, table, max_version=1) == [("c", 3, now + 3)]


def test_several_versions_of_several_cells_in_one_put(emulator: Emulator, client: Any) -> None:
    """Cells come back by name, versions of one name newest first (official Java test)."""
    table = emulator.make_table(max_version=3)
    now = now_ms()
    given = [(f"attr_{c}", c * 10 + v, now + v) for v in range(3) for c in range(3)]
    client.put_row(table, ots.Row(key(1), given), IGNORE)
    assert cells(client, table, max_version=10) == sorted(
        given, key=lambda cell: (cell[0], -cell[2])
    )


def test_a_version_given_twice_is_the_later_one(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=3)
    now = now_ms()
    for value in (1, 2):
        client.update_row(table, ots.Row(key(1), {"PUT": [("c", value, now)]}), IGNORE)
    assert cells(client, table, max_version=10) == [("c", 2, now)]


def test_updates_without_versions_each_make_one(emulator: Emulator, client: Any) -> None:
    """Three updates are three versions, however fast they come (official Java test)."""
    table = emulator.make_table(max_version=3)
    before = now_ms()
    for value in range(3):
        client.update_row(table, ots.Row(key(1), {"PUT": [("c", value)]}), IGNORE)
    found = cells(client, table, max_version=10) or []
    assert [value for _, value, _ in found] == [2, 1, 0]
    assert all(before <= stamp <= now_ms() + 3 for _, _, stamp in found)


@pytest.mark.parametrize("versions", [1, 2, 5])
def test_no_increment_of_two_clients_is_lost(emulator: Emulator, versions: int) -> None:
    """Many a millisecond, on however many versions a table keeps."""
    table = emulator.make_table(max_version=versions)

    def add() -> None:
        client = emulator.client()
        for _ in range(200):
            client.update_row(table, ots.Row(key(1), {"INCREMENT": [("n", 1)]}), IGNORE)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(add) for _ in range(2)]:
            done.result()
    found = cells(emulator.client(), table, max_version=9) or []
    assert [value for _, value, _ in found] == list(range(400, 400 - versions, -1))


@pytest.mark.parametrize("versions", [1, 3])
def test_an_update_that_had_to_wait_is_the_newest(emulator: Emulator, versions: int) -> None:
    """Its version is of the time of its effect: what was answered last is what is read."""
    table = emulator.make_table(max_version=versions)
    client = emulator.client()
    late = ots.Row(key(1), {"PUT": [("c", "late")]})
    rule = {"kind": "slow", "delay": 0.5, "count": 1, "api": "UpdateRow"}
    with ThreadPoolExecutor(1) as pool, emulator.faults(rule):
        waiting = pool.submit(emulator.client().update_row, table, late, IGNORE)
        while not emulator.control("/-/faults")["rules"][0]["fired"]:
            time.sleep(0.01)
        client.update_row(table, ots.Row(key(1), {"PUT": [("c", "early")]}), IGNORE)
        waiting.result()
    found = cells(client, table, max_version=1) or []
    assert [value for _, value, _ in found] == ["late"]


def test_a_version_far_ahead_stays_the_newest(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=3)
    ahead = now_ms() + 3_600_000
    client.put_row(table, ots.Row(key(1), [("c", "given", ahead)]), IGNORE)
    for value in ("first", "second"):
        client.update_row(table, ots.Row(key(1), {"PUT": [("c", value)]}), IGNORE)
    found = cells(client, table, max_version=3) or []
    assert [value for _, value, _ in found] == ["given", "second", "first"]


def test_a_put_forgets_all_versions(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=3)
    now = now_ms()
    client.put_row(table, ots.Row(key(1), [("c", 1, now), ("c", 2, now + 1)]), IGNORE)
    client.put_row(table, ots.Row(key(1), [("c", 3, now - 1)]), IGNORE)
    assert cells(client, table, max_version=10) == [("c", 3, now - 1)]


def test_one_version_or_all_can_be_deleted(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=3)
    now = now_ms()
    given = [(name, v, now + v) for name in ("one", "all") for v in range(3)]
    client.put_row(table, ots.Row(key(1), given), IGNORE)
    change = {"DELETE": [("one", None, now + 1)], "DELETE_ALL": ["all"]}
    client.update_row(table, ots.Row(key(1), change), IGNORE)
    assert cells(client, table, max_version=10) == [("one", 2, now + 2), ("one", 0, now)]


def test_versions_must_be_near_the_servers_time(emulator: Emulator, client: Any) -> None:
    """The classic back-fill failure: older than max_time_deviation is refused, per row."""
    day = 86_400_000
    table = emulator.make_table()
    for stamp in (now_ms() - day - 5000, now_ms() + day + 5000):
        change = ots.Row(key(1), [("c", 1, stamp)])
        found = refused(partial(client.put_row, table, change, IGNORE))
        assert found == invalid("Invalid timestamp. Cell:c.")
    client.put_row(table, ots.Row(key(1), [("c", 1, now_ms() - day + 5000)]), IGNORE)
    wide = emulator.make_table(max_time_deviation=10**9)
    client.put_row(wide, ots.Row(key(1), [("c", 1, 1_500_000_000_000)]), IGNORE)
    assert cells(client, wide, max_version=1) == [("c", 1, 1_500_000_000_000)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"time_range": (1, 3), "max_version": 9}, [2, 1]),
        ({"time_range": 2, "max_version": None}, [2]),
        ({"time_range": (0, 10), "max_version": 2}, [4, 3]),
        ({"max_version": 1}, [4]),
    ],
)
def test_time_ranges_choose_versions(
    emulator: Emulator, client: Any, choice: dict[str, Any], expected: list[int]
) -> None:
    """[start, end) and one exact time, in ms."""
    table = emulator.make_table(max_version=10)
    now = now_ms()
    client.put_row(table, ots.Row(key(1), [("c", v, now + v) for v in range(5)]), IGNORE)
    given = dict(choice)
    if "time_range" in given:
        when = given["time_range"]
        given["time_range"] = (
            now + when if isinstance(when, int) else (now + when[0], now + when[1])
        )
    found = cells(client, table, **given) or []
    assert [value for _, value, _ in found] == expected


def test_a_row_without_versions_in_the_range_is_its_bare_key(
    emulator: Emulator, client: Any
) -> None:
    """GetRow, BatchGetRow and GetRange alike (official Go tests)."""
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
    later = (now_ms() + 10_000, now_ms() + 20_000)
    assert cells(client, table, time_range=later) == []
    _, _, found, _ = client.get_range(
        table, "FORWARD", key(0), key(9), time_range=later, max_version=1
    )
    assert [(each.primary_key, each.attribute_columns) for each in found] == [(key(1), [])]


def test_one_exact_time_and_a_number_of_versions_exclude_each_other(
    emulator: Emulator, client: Any
) -> None:
    table = emulator.make_table()
    found = refused(lambda: cells(client, table, time_range=5, max_version=1))
    assert found == invalid("Specific tiemstamp and max versions cannot be given at the same time.")


def test_versions_expire_by_their_own_time(emulator: Emulator, client: Any) -> None:
    """A cell older than the time to live is not seen, and a row of such cells is gone."""
    table = emulator.make_table(time_to_live=-1, max_version=2, max_time_deviation=10**9)
    old = now_ms() - 100_000_000
    client.put_row(table, ots.Row(key(1), [("c", 1, old), ("d", 1)]), IGNORE)
    client.put_row(table, ots.Row(key(2), [("c", 1, old)]), IGNORE)
    client.update_table(table, ots.TableOptions(90_000, 2, 10**9))
    assert [(name, value) for name, value, _ in cells(client, table, max_version=5) or []] == [
        ("d", 1)
    ]
    assert client.get_row(table, key(2), max_version=1)[1] is None
    assert len(all_rows(client, table)) == 1
    client.put_row(table, ots.Row(key(2), [("c", 1)]), ots.Condition("EXPECT_NOT_EXIST"))


def test_a_read_needs_a_choice_of_versions(emulator: Emulator) -> None:
    table = emulator.make_table()
    request = wire.GetRowRequest(table_name=table, primary_key=row(key(1)))
    assert emulator.send("GetRow", request).error == invalid("No version condition is specified.")
    part = wire.TableInBatchGetRowRequest(table_name=table, primary_key=[row(key(1))])
    batched = wire.BatchGetRowRequest(tables=[part])
    assert emulator.send("BatchGetRow", batched).error == invalid(
        "No version condition is specified while querying row."
    )
    request.max_versions = 0
    assert emulator.send("GetRow", request).error == invalid(
        "Invalid max versions: 0. Reason: Max versions must be positive."
    )


def test_updates_can_be_forbidden(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(allow_update=False)
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
    change = ots.Row(key(1), {"PUT": [("c", 2)]})
    assert refused(lambda: client.update_row(table, change, IGNORE))[:2] == (
        400,
        "OTSParameterInvalid",
    )
    assert cells(client, table, max_version=1)[0][1] == 1  # type: ignore[index]


# ---- columns ------------------------------------------------------------------------------


def test_only_the_columns_asked_for_are_returned(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [(name, 1) for name in "abcd"]), IGNORE)
    found = cells(client, table, columns_to_get=["c", "a", "x"], max_version=1) or []
    assert [name for name, _, _ in found] == ["a", "c"]
    found = cells(client, table, start_column="b", end_column="d", max_version=1) or []
    assert [name for name, _, _ in found] == ["b", "c"]


def test_a_row_with_none_of_the_columns_is_left_out(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("a", 1)]), IGNORE)
    assert cells(client, table, columns_to_get=["x"], max_version=1) is None
    _, _, found, _ = client.get_range(
        table,
        "FORWARD",
        key(ots.INF_MIN, ots.INF_MIN),
        key(ots.INF_MAX, ots.INF_MAX),
        columns_to_get=["x"],
        max_version=1,
    )
    assert found == []


def test_a_key_column_may_count_as_a_column() -> None:
    """Undocumented on the service, so a switch."""
    for choice, expected in (("count", []), ("ignored", None)):
        with running("--key-columns", choice) as server:
            client, table = server.client(), server.make_table()
            client.put_row(table, ots.Row(key(1), [("a", 1)]), IGNORE)
            assert cells(client, table, columns_to_get=["id"], max_version=1) == expected


# ---- ranges -------------------------------------------------------------------------------


def test_a_range_includes_its_start_and_not_its_end(client: Any, ten: str) -> None:
    assert scan(client, ten, key(2), key(5)) == (None, [2, 3, 4])
    assert scan(client, ten, key(5), key(2), direction="BACKWARD") == (None, [5, 4, 3])


def test_infinite_bounds(client: Any, ten: str) -> None:
    low, high = key(ots.INF_MIN, ots.INF_MIN), key(ots.INF_MAX, ots.INF_MAX)
    assert scan(client, ten, low, high)[1] == list(range(10))
    assert scan(client, ten, high, low, direction="BACKWARD")[1] == list(range(9, -1, -1))
    assert scan(client, ten, key(7), key(ots.INF_MAX))[1] == [7, 8, 9]
    assert scan(client, ten, key(ots.INF_MIN), key(2))[1] == [0, 1]
    assert scan(client, ten, low, key(ots.INF_MIN))[1] == []


@pytest.mark.parametrize("direction", ["FORWARD", "BACKWARD"])
def test_pages_continue_where_they_ended(client: Any, ten: str, direction: str) -> None:
    ends = [key(ots.INF_MIN, ots.INF_MIN), key(ots.INF_MAX, ots.INF_MAX)]
    begin, end = ends if direction == "FORWARD" else ends[::-1]
    found: list[int] = []
    pages = 0
    while begin:
        begin, page = scan(client, ten, begin, end, direction=direction, limit=3)
        found += page
        pages += 1
    assert found == (list(range(10)) if direction == "FORWARD" else list(range(9, -1, -1)))
    assert pages == 4


def test_a_range_ends_after_5000_rows(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for start in range(0, 5001, 200):
        request = ots.BatchWriteRowRequest()
        items = [
            ots.PutRowItem(ots.Row(key(number), [("c", 1)]), IGNORE)
            for number in range(start, min(start + 200, 5001))
        ]
        request.add(ots.TableInBatchWriteRowItem(table, items))
        client.batch_write_row(request)
    next_key, found = scan(client, table, key(0), key(ots.INF_MAX))
    assert (len(found), next_key) == (5000, key(5000))


def test_a_filter_saves_neither_cost_nor_pages(emulator: Emulator, client: Any) -> None:
    """It looks at what has been read: 4 MB end a page also when no row of it passes."""
    table = emulator.make_table()
    for number in range(6):
        emulator.send("PutRow", put(table, row(key(number), [("c", "x" * 1_000_000)])))
    nothing = ots.SingleColumnCondition("c", "y", ots.ComparatorType.EQUAL)
    low, high = key(0), key(9)
    consumed, next_key, found, _ = client.get_range(
        table, "FORWARD", low, high, column_filter=nothing, max_version=1
    )
    assert (found, next_key) == ([], key(5))
    assert consumed.read == 5 * 1_000_000 // 4096 + 1
    one = client.get_row(table, key(1), column_filter=nothing, max_version=1)
    assert (one[1], one[0].read) == (None, 1_000_000 // 4096 + 1)
    request = ots.BatchGetRowRequest()
    request.add(ots.TableInBatchGetRowItem(table, [key(1), key(77)], [], nothing, 1))
    items = client.batch_get_row(request).get_result_by_table(table)
    assert [(item.row, item.consumed.read) for item in items] == [
        (None, 1_000_000 // 4096 + 1),
        (None, 1),
    ]


def test_a_range_ends_after_4_mb(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for number in range(6):
        client.put_row(table, ots.Row(key(number), [("c", "x" * 1_000_000)]), IGNORE)
    next_key, found = scan(client, table, key(0), key(ots.INF_MAX))
    assert len(found) == 5
    assert next_key == key(5)


def test_wrong_ranges_are_refused(client: Any, ten: str) -> None:
    assert refused(lambda: scan(client, ten, key(5), key(2))) == invalid(
        "Begin key must less than end key in FORWARD"
    )
    assert refused(lambda: scan(client, ten, key(2), key(5), direction="BACKWARD")) == invalid(
        "Begin key must more than end key in BACKWARD"
    )
    assert refused(lambda: scan(client, ten, [("k", "a")], key(5)))[1] == "OTSInvalidPK"
    for limit in (0, -1):
        assert refused(partial(scan, client, ten, key(2), key(5), limit=limit)) == (
            invalid("The limit must be greater than 0.")
        )
