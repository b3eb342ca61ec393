"""Rows through the official SDK: put, update, delete, conditions, keys, limits of one row."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8
from tests.emulator.harness import Emulator, all_rows, batch, columns, put, row

IGNORE = ots.Condition("IGNORE")
EXIST = ots.Condition("EXPECT_EXIST")
NOT_EXIST = ots.Condition("EXPECT_NOT_EXIST")


def key(k: str = "a", number: int = 1) -> list[tuple[str, Any]]:
    return [("k", k), ("id", number)]


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


def read(client: Any, table: str, k: str = "a", number: int = 1) -> dict[str, Any] | None:
    _, found, _ = client.get_row(table, key(k, number), max_version=1)
    return None if found is None else columns(found)


EVERY_TYPE = [
    ("binary", bytearray(b"\x00\xff")),
    ("boolean", True),
    ("double", -1.5),
    ("integer", -(2**63)),
    ("string", "Zürich ✓"),
]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("region", [None, "cn-hangzhou"])
def test_every_type_comes_back_as_it_was_put(
    emulator: Emulator, native: bool, region: str | None
) -> None:
    client = emulator.client(enable_native=native, region=region)
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), EVERY_TYPE), IGNORE)
    _, found, _ = client.get_row(table, key(), max_version=1)
    assert found.primary_key == key()
    assert [(name, value) for name, value, _ in found.attribute_columns] == EVERY_TYPE


def test_the_asynchronous_client_writes_and_reads(emulator: Emulator) -> None:
    table = emulator.make_table()

    async def use() -> Any:
        async with emulator.async_client() as client:
            await client.put_row(table, ots.Row(key(), EVERY_TYPE), IGNORE)
            items = [
                ots.PutRowItem(ots.Row(key("b", number), [("c", number)]), IGNORE)
                for number in range(200)
            ]
            request = ots.BatchWriteRowRequest()
            request.add(ots.TableInBatchWriteRowItem(table, items))
            answer = await client.batch_write_row(request)
            assert answer.is_all_succeed()
            return await client.get_row(table, key("b", 199), max_version=1)

    _, found, _ = asyncio.run(use())
    assert columns(found) == {"c": 199}


def test_a_put_replaces_the_whole_row(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), [("old", 1), ("both", 1)]), IGNORE)
    client.put_row(table, ots.Row(key(), [("both", 2)]), IGNORE)
    assert read(client, table) == {"both": 2}


def test_a_put_without_columns_is_a_row(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), []), IGNORE)
    assert read(client, table) == {}


def test_an_update_merges(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), [("stays", 1), ("goes", 1), ("changes", 1)]), IGNORE)
    change = {"PUT": [("changes", 2), ("comes", 3)], "DELETE_ALL": ["goes"]}
    client.update_row(table, ots.Row(key(), change), IGNORE)
    assert read(client, table) == {"stays": 1, "changes": 2, "comes": 3}


def test_an_update_of_a_missing_row_creates_it(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.update_row(table, ots.Row(key(), {"PUT": [("c", 1)]}), IGNORE)
    assert read(client, table) == {"c": 1}


def test_a_row_without_its_columns_still_exists(emulator: Emulator, client: Any) -> None:
    """Deleting all attributes is not deleting the row."""
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), [("c", 1)]), IGNORE)
    client.update_row(table, ots.Row(key(), {"DELETE_ALL": ["c"]}), IGNORE)
    assert read(client, table) == {}
    client.put_row(table, ots.Row(key(), [("c", 1)]), EXIST)


def test_a_deleted_row_is_gone(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(), [("c", 1)]), IGNORE)
    client.delete_row(table, ots.Row(key()), IGNORE)
    assert read(client, table) is None
    client.delete_row(table, ots.Row(key()), IGNORE)


def test_conditions_on_existence(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    failed = (403, "OTSConditionCheckFail", "Condition check failed.")
    change = ots.Row(key(), [("c", 1)])
    assert refused(lambda: client.put_row(table, change, EXIST)) == failed
    client.put_row(table, change, NOT_EXIST)
    assert refused(lambda: client.put_row(table, ots.Row(key(), [("c", 2)]), NOT_EXIST)) == failed
    assert refused(lambda: client.delete_row(table, ots.Row(key("b")), EXIST)) == failed
    assert read(client, table) == {"c": 1}
    client.delete_row(table, ots.Row(key()), EXIST)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([("k", "a")], "Validate PK size fail. Input: 1, Meta: 2."),
        ([("k", "a"), ("id", 1), ("x", 1)], "Validate PK size fail. Input: 3, Meta: 2."),
        ([("k", "a"), ("no", 1)], "Validate PK name fail. Input: no, Meta: id."),
        ([("id", 1), ("k", "a")], "Validate PK name fail. Input: id, Meta: k."),
        (
            [("k", 1), ("id", 1)],
            "Validate PK type fail. Input: VT_INTEGER, Meta: VT_STRING.",
        ),
        (
            [("k", "a"), ("id", "1")],
            "Validate PK type fail. Input: VT_STRING, Meta: VT_INTEGER.",
        ),
        (
            [("k", bytearray(b"a")), ("id", 1)],
            "Validate PK type fail. Input: VT_BLOB, Meta: VT_STRING.",
        ),
    ],
)
def test_a_key_that_does_not_fit_is_named(
    emulator: Emulator, client: Any, given: Any, text: str
) -> None:
    table = emulator.make_table()
    expected = (400, "OTSInvalidPK", text)
    assert refused(lambda: client.put_row(table, ots.Row(given, [("c", 1)]), IGNORE)) == expected
    assert refused(lambda: client.get_row(table, given, max_version=1)) == expected


def test_a_missing_table_is_named(client: Any) -> None:
    assert refused(lambda: client.put_row("missing", ots.Row(key(), [("c", 1)]), IGNORE)) == (
        404,
        "OTSObjectNotExist",
        "Requested table does not exist.",
    )


def test_a_defined_column_keeps_its_type(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table(defined=[("DC2", "INTEGER")])
    change = ots.Row(key(), [("DC2", bytearray(b"x"))])
    assert refused(lambda: client.put_row(table, change, IGNORE)) == (
        400,
        "OTSParameterInvalid",
        "Invalid column type for column DC2 expect VT_INTEGER actual VT_BLOB",
    )
    client.put_row(table, ots.Row(key(), [("DC2", 1), ("free", "x")]), IGNORE)
    client.put_row(table, ots.Row(key(), [("free", 1)]), IGNORE)
    assert read(client, table) == {"free": 1}


def test_a_column_named_like_a_key_column_is_refused(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    found = refused(lambda: client.put_row(table, ots.Row(key(), [("id", 1)]), IGNORE))
    assert found[2] == "Duplicated attribute column name with primary key column: id."


def test_the_number_of_columns_is_limited(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    most = [(f"c{number:04}", number) for number in range(1024)]
    client.put_row(table, ots.Row(key(), most), IGNORE)
    assert len(read(client, table) or {}) == 1024
    more = ots.Row(key(), [*most, ("c9999", 0)])
    assert refused(lambda: client.put_row(table, more, IGNORE)) == (
        400,
        "OTSParameterInvalid",
        (
            "The number of attribute columns exceeds the limit, limit count: 1024,"
            " column count: 1025."
        ),
    )


def test_the_length_of_a_value_is_limited(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    longest = "x" * 2097152
    client.put_row(table, ots.Row(key(), [("attr", longest)]), IGNORE)
    assert read(client, table) == {"attr": longest}
    for over in (f"{longest}x", bytearray(2097153)):
        change = ots.Row(key(), [("attr", over)])
        assert refused(partial(client.put_row, table, change, IGNORE)) == (
            400,
            "OTSParameterInvalid",
            (
                "The length of attribute column: 'attr' exceeds the MaxLength:2097152"
                " with CurrentLength:2097153."
            ),
        )


def test_the_size_of_a_row_is_limited(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    value = "x" * (2 * 1024 * 1024)
    change = ots.Row(key(), [("a", value), ("b", value)])
    status, code, text = refused(lambda: client.put_row(table, change, IGNORE))
    assert (status, code) == (400, "OTSParameterInvalid")
    assert text == (
        "The total data size of PutRow request exceeds the limit, limit size: 4194304,"
        f" data size: {2 * len(value) + 2 + 1 + 1 + 2 + 8}."
    )


def test_an_unstorable_double_is_refused(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    for value, text in (
        (float("nan"), "NaN can't be set to double value."),
        (float("inf"), "Infinity can't be set to double value."),
    ):
        change = ots.Row(key(), [("c", value)])
        found = refused(partial(client.put_row, table, change, IGNORE))
        assert found == (400, "OTSParameterInvalid", text)


def test_the_primary_key_is_returned_when_asked_for(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    _, found = client.put_row(table, ots.Row(key(), [("c", 1)]), IGNORE, ots.ReturnType.RT_PK)
    assert found.primary_key == key()


@pytest.mark.parametrize(
    ("kind", "buffer", "text"),
    [
        (
            3,
            row(key(), [("c", 1)]),
            "Invalid delete row request: unexpected cells in request.",
        ),
        (
            3,
            row(key()),
            "Invalid request of delete row: missing RowDeleteMarker in request.",
        ),
        (2, row(key()), "Invalid update row request: missing cells in request."),
        (4, row(key()), "The modify type is invalid."),
        (0, row(key()), "The modify type is invalid."),
    ],
)
def test_changes_that_contradict_themselves(
    emulator: Emulator, kind: int, buffer: bytes, text: str
) -> None:
    table = emulator.make_table()
    request = wire.BatchWriteRowRequest()
    part = request.tables.add(table_name=table)
    part.rows.add(type=kind, row_change=buffer, condition=wire.Condition(row_existence=0))
    assert emulator.send("BatchWriteRow", request).error == (400, "OTSParameterInvalid", text)


def test_infinite_values_are_for_ranges_only(emulator: Emulator) -> None:
    table = emulator.make_table()
    buffer = pb.HEADER + pb.encode_row([(b"k", pb.text(b"a")), (b"id", b"\x09")])
    expected = (
        400,
        "OTSParameterInvalid",
        "VT_INF_MIN is an invalid type for the primary key.",
    )
    batched = wire.BatchGetRowRequest()
    batched.tables.add(table_name=table, primary_key=[buffer], max_versions=1)
    one = wire.GetRowRequest(table_name=table, primary_key=buffer, max_versions=1)
    for api, request in (
        ("PutRow", put(table, buffer)),
        ("GetRow", one),
        ("BatchWriteRow", batch((table, [row(key()), buffer]))),
        ("BatchGetRow", batched),
    ):
        assert emulator.send(api, request).error == expected


def test_keys_are_ordered_by_type(emulator: Emulator, client: Any) -> None:
    """Strings bytewise, zero bytes and prefixes included, integers by value."""
    table = emulator.make_table()
    texts = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "ab", "b", "é", "\U0001f600"]
    numbers = [-(2**63), -256, -1, 0, 1, 255, 256, 2**63 - 1]
    expected = [(text, number) for text in texts for number in numbers]
    request = ots.BatchWriteRowRequest()
    items = [ots.PutRowItem(ots.Row(key(*pair), []), IGNORE) for pair in reversed(expected)]
    request.add(ots.TableInBatchWriteRowItem(table, items))
    assert client.batch_write_row(request).is_all_succeed()
    found = [tuple(value for _, value in each.primary_key) for each in all_rows(client, table)]
    assert found == expected


def test_binary_keys_are_ordered_bytewise(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table([("b", "BINARY")])
    values = [b"", b"\x00", b"\x00\x00", b"\x00\x01", b"\x00\xff", b"\x01", b"\xff", b"\xff\x00"]
    for value in reversed(values):
        client.put_row(table, ots.Row([("b", bytearray(value))], []), IGNORE)
    found = all_rows(client, table, [("b",)])
    assert [bytes(each.primary_key[0][1]) for each in found] == values


def test_a_put_of_a_cell_without_a_value_is_refused(emulator: Emulator, client: Any) -> None:
    """Found by fuzzing: such a row was stored, and every scan over it then failed."""
    table = emulator.make_table()
    cell = bytes.fromhex("03040100000063") + b"\x0a" + bytes((crc8(b"c", 0),))
    head = row(key())[:-2]
    sums = [crc8(pb.wire_value(value), crc8(name.encode(), 0)) for name, value in key()]
    total = crc8(bytes([*sums, cell[-1], 0]), 0)
    answer = emulator.send("PutRow", put(table, head + b"\x02" + cell + bytes((9, total))))
    assert answer.error == (
        400,
        "OTSParameterInvalid",
        "Invalid request of put row: find cells without values.",
    )
    assert all_rows(client, table) == []
