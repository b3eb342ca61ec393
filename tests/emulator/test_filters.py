"""Filters, and conditions on columns."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Emulator, now_ms, row
from tests.emulator.read_requests import IGNORE, cells, invalid, key, refused, scan


def single(name: str, value: Any, comparator: Any, **options: Any) -> Any:
    return ots.SingleColumnCondition(name, value, comparator, **options)


EQ, NE = ots.ComparatorType.EQUAL, ots.ComparatorType.NOT_EQUAL
GT, GE = ots.ComparatorType.GREATER_THAN, ots.ComparatorType.GREATER_EQUAL
LT, LE = ots.ComparatorType.LESS_THAN, ots.ComparatorType.LESS_EQUAL


def composite(operator: Any, *parts: Any) -> Any:
    condition = ots.CompositeColumnCondition(operator)
    for part in parts:
        condition.add_sub_condition(part)
    return condition


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: single("c", 3, EQ), [3]),
        (lambda: single("c", 3, NE), [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (lambda: single("c", 7, GT), [8, 9]),
        (lambda: single("c", 7, GE), [7, 8, 9]),
        (lambda: single("c", 2, LT), [0, 1]),
        (lambda: single("c", 2, LE), [0, 1, 2]),
        (lambda: single("c", "3", EQ), []),
        (lambda: single("even", 4, GE, pass_if_missing=False), [4, 6, 8]),
        (lambda: single("even", 4, GE, pass_if_missing=True), [1, 3, 4, 5, 6, 7, 8, 9]),
        (
            lambda: composite(ots.LogicalOperator.AND, single("c", 2, GE), single("c", 5, LT)),
            [2, 3, 4],
        ),
        (
            lambda: composite(ots.LogicalOperator.OR, single("c", 0, EQ), single("c", 9, EQ)),
            [0, 9],
        ),
        (lambda: composite(ots.LogicalOperator.NOT, single("c", 1, GE)), [0]),
        (lambda: single("id", 8, GE), [8, 9]),
    ],
)
def test_filters_choose_rows(
    client: Any, ten: str, build: Callable[[], Any], expected: list[int]
) -> None:
    found = scan(client, ten, key(ots.INF_MIN), key(ots.INF_MAX), column_filter=build())
    assert found == (None, expected)


def test_a_filter_sees_only_the_columns_asked_for(client: Any, ten: str) -> None:
    found = scan(
        client,
        ten,
        key(ots.INF_MIN),
        key(ots.INF_MAX),
        columns_to_get=["c"],
        column_filter=single("even", 4, EQ, pass_if_missing=False),
    )
    assert found == (None, [])


def test_a_limit_counts_rows_that_pass(client: Any, ten: str) -> None:
    found = scan(
        client,
        ten,
        key(ots.INF_MIN),
        key(ots.INF_MAX),
        column_filter=single("c", 5, GE),
        limit=2,
    )
    assert found == (key(7), [5, 6])


def test_a_filter_may_look_at_all_versions(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(max_version=2)
    now = now_ms()
    client.put_row(table, ots.Row(key(1), [("c", 1, now), ("c", 2, now + 1)]), IGNORE)
    for latest, expected in ((True, True), (False, False)):
        found = client.get_row(
            table,
            key(1),
            column_filter=single("c", 1, EQ, latest_version_only=latest),
            max_version=2,
        )[1]
        assert (found is None) is expected


def test_conditions_on_columns_guard_writes(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)

    def write(condition: Any) -> None:
        change = ots.Row(key(1), {"PUT": [("done", True)]})
        client.update_row(table, change, ots.Condition("IGNORE", condition))

    failed = (403, "OTSConditionCheckFail", "Condition check failed.")
    assert refused(lambda: write(single("c", 2, EQ))) == failed
    assert refused(lambda: write(single("x", 2, EQ, pass_if_missing=False))) == failed
    assert len(cells(client, table, max_version=1) or []) == 1
    write(single("c", 1, EQ))
    write(single("x", 2, EQ, pass_if_missing=True))
    assert len(cells(client, table, max_version=1) or []) == 2


def test_conditions_nest(emulator: Emulator, client: Any) -> None:
    """NOT inside OR inside NOT, on values, versions, missing columns and a row that is missing."""
    table = emulator.make_table(max_version=3)
    start = now_ms() - 10
    old_and_new = [("c", 1, start), ("c", 5, start + 1), ("text", "x9y")]
    client.put_row(table, ots.Row(key(1), old_and_new), IGNORE)
    not_, and_, or_ = ots.LogicalOperator.NOT, ots.LogicalOperator.AND, ots.LogicalOperator.OR
    five, six = single("c", 5, EQ), single("c", 6, EQ)
    absent = single("none", 1, EQ, pass_if_missing=False)
    cases = [
        (composite(not_, composite(or_, composite(and_, five, composite(not_, six)), six)), False),
        (composite(not_, composite(not_, composite(not_, six))), True),
        (composite(not_, composite(or_, six, composite(and_, five, absent))), True),
        (composite(or_, absent, composite(not_, absent)), True),
        (single("c", 1, EQ), False),
        (single("c", 1, EQ, latest_version_only=False), True),
        (composite(not_, single("c", 1, EQ, latest_version_only=False)), False),
    ]
    for number, (condition, passes) in enumerate(cases):
        change = ots.Row(key(1), {"PUT": [("seen", number)]})
        write = partial(client.update_row, table, change, ots.Condition("EXPECT_EXIST", condition))
        if passes:
            write()
        else:
            assert refused(write) == (403, "OTSConditionCheckFail", "Condition check failed."), (
                number
            )
    for passes in (False, True):
        condition = ots.Condition("IGNORE", single("c", 1, EQ, pass_if_missing=passes))
        write = partial(client.put_row, table, ots.Row(key(7), [("c", 1)]), condition)
        if passes:
            write()
        else:
            assert refused(write)[0] == 403


INT, DOUBLE, TEXT = ots.CastType.VT_INTEGER, ots.CastType.VT_DOUBLE, ots.CastType.VT_STRING


@pytest.mark.parametrize(
    ("pattern", "cast", "comparator", "value", "expected"),
    [
        ("([0-9]+)", INT, EQ, 12, [0]),
        ("(-?[0-9]+)$", INT, LT, 0, [1]),
        ("([0-9.e]+)", DOUBLE, EQ, 1500.0, [4]),
        ("^(..)", TEXT, EQ, "ab", [0, 1]),
        ("x([0-9]+)", INT, GT, 0, []),  # beyond 64 bits: no value
        ("[a-z]+", TEXT, EQ, "no", [2]),  # without a group: the whole match
        ("([0-9]+)", INT, EQ, "12", []),  # another type than the cast
    ],
)
def test_a_rule_takes_a_part_of_a_text_and_casts_it(
    emulator: Emulator,
    client: Any,
    pattern: str,
    cast: Any,
    comparator: Any,
    value: Any,
    expected: list[int],
) -> None:
    """As a filter and as a condition; a text without such a part counts as missing."""
    table = emulator.make_table()
    texts = ["abc12", "abc-7", "no", "x99999999999999999999", "1.5e3"]
    for number, text in enumerate(texts):
        client.put_row(table, ots.Row(key(number), [("s", text)]), IGNORE)
    rule = ots.RegexRule(pattern, cast)
    condition = ots.SingleColumnRegexCondition("s", comparator, value, rule)
    assert scan(client, table, key(0), key(9), column_filter=condition)[1] == expected
    for number in range(len(texts)):
        change = ots.Row(key(number), {"PUT": [("hit", True)]})
        write = partial(client.update_row, table, change, ots.Condition("IGNORE", condition))
        if number in expected:
            write()
        else:
            assert refused(write)[1] == "OTSConditionCheckFail"


def test_a_pattern_that_is_none_is_refused(client: Any, ten: str) -> None:
    rule = ots.RegexRule("(", TEXT)
    condition = ots.SingleColumnRegexCondition("c", EQ, "a", rule)
    assert refused(lambda: scan(client, ten, key(0), key(9), column_filter=condition)) == invalid(
        "Invalid regex in value transfer rule."
    )


def test_a_pattern_without_end_ends(emulator: Emulator, client: Any) -> None:
    """It costs its own request a second, not the others their server."""
    table = emulator.make_table()
    for number in range(3):
        client.put_row(table, ots.Row(key(number), [("s", "a" * 40 + "!")]), IGNORE)
    rule = ots.RegexRule("^(a+)+$", TEXT)
    condition = ots.SingleColumnRegexCondition("s", EQ, "a", rule)
    change = ots.Row(key(1), {"PUT": [("c", 1)]})
    for call in (
        lambda: scan(client, table, key(0), key(9), column_filter=condition),
        lambda: client.update_row(table, change, ots.Condition("IGNORE", condition)),
    ):
        began = time.monotonic()
        assert refused(call) == invalid("The regex in value transfer rule takes too long.")
        assert time.monotonic() - began < 20
    rule = ots.RegexRule("^(a+)!$", TEXT)
    condition = ots.SingleColumnRegexCondition("s", EQ, "a" * 40, rule)
    assert scan(client, table, key(0), key(9), column_filter=condition)[1] == [0, 1, 2]


def test_the_number_of_filters_is_limited(client: Any, ten: str) -> None:
    """Combinations count too: 32 in all, as the vendor's own tests expect of the service."""
    parts = [single("c", number, NE) for number in range(31)]
    fits = composite(ots.LogicalOperator.AND, *parts)
    assert scan(client, ten, key(0), key(5), column_filter=fits)[1] == []
    wide = composite(ots.LogicalOperator.AND, *parts, single("c", 31, NE))
    found = refused(lambda: scan(client, ten, key(0), key(5), column_filter=wide))
    assert found == invalid("The count of filter exceeds the max: 32.")


def test_a_broken_filter_is_refused(emulator: Emulator) -> None:
    table = emulator.make_table()
    request = wire.GetRowRequest(
        table_name=table, primary_key=row(key(1)), max_versions=1, filter=b"\xff"
    )
    assert emulator.send("GetRow", request).error == invalid("Deserialize filter failed.")


def test_columns_can_be_paged(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [(name, 1) for name in "abcde"]), IGNORE)
    page = wire.PaginationFilter(offset=1, limit=2).SerializeToString()
    request = wire.GetRowRequest(
        table_name=table,
        primary_key=row(key(1)),
        max_versions=1,
        filter=wire.Filter(type=3, filter=page).SerializeToString(),
    )
    answer = wire.GetRowResponse.FromString(emulator.send("GetRow", request).body)
    assert [cell[0] for cell in decode_row(answer.row).cells] == [b"b", b"c"]
