"""What the service adds to a write: increments, generated keys, versions by its clock."""

import time
from typing import Any

import tablestore as ots
from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Answer, Emulator, all_rows, columns, now_ms
from tests.emulator.read_requests import IGNORE, cells, key, refused


def test_increments_add_and_return(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("c", 40), ("text", "x")]), IGNORE)
    client.update_row(table, ots.Row(key(1), {"INCREMENT": [("c", 2), ("new", -1)]}), IGNORE)
    _, found, _ = client.get_row(table, key(1), max_version=1)
    assert columns(found) == {"c": 42, "new": -1, "text": "x"}
    change = ots.Row(key(1), {"INCREMENT": [("text", 1)]})
    assert refused(lambda: client.update_row(table, change, IGNORE))[0] == 400


def test_the_changed_cells_are_returned_after_modify(emulator: Emulator, client: Any) -> None:
    """Return type 2 (Java, Go) answers with the sums; what is not incremented is refused."""
    table = emulator.make_table()
    client.put_row(table, ots.Row(key(1), [("c", 1), ("d", 1)]), IGNORE)
    change = [("INCREMENT", [("c", 4), ("d", 1)]), ("PUT", [("e", 9)])]

    def send(kind: int, *names: str) -> Answer:
        request = wire.UpdateRowRequest(
            table_name=table,
            row_change=bytes(PlainBufferBuilder.serialize_for_update_row(key(1), dict(change))),
            condition=wire.Condition(row_existence=0),
            return_content=wire.ReturnContent(return_type=kind, return_column_names=names),
        )
        return emulator.send("UpdateRow", request)

    for kind, names in ((2, ["c", "e"]), (2, ["other"]), (1, ["c"])):
        status, code, _ = send(kind, *names).error
        assert (status, code) == (400, "OTSParameterInvalid")
    assert columns(client.get_row(table, key(1), max_version=1)[1]) == {"c": 1, "d": 1}
    for names, expected in ((["c"], {b"c": 5}), ([], {b"c": 9, b"d": 3})):
        answer = wire.ChangeRowResponse.FromString(send(2, *names).body)
        returned = decode_row(answer.row)
        assert {cell[0]: pb.python_value(cell[2] or b"") for cell in returned.cells} == expected


def test_generated_keys_are_unique_and_growing(emulator: Emulator, client: Any) -> None:
    shape = [("k", "STRING"), ("id", "INTEGER", ots.PK_AUTO_INCR)]
    table = emulator.make_table(shape)
    made = []
    for value in range(5):
        change = ots.Row(key(ots.PK_AUTO_INCR), [("c", value)])
        _, returned = client.put_row(table, change, IGNORE, ots.ReturnType.RT_PK)
        made.append(returned.primary_key[1][1])
    assert made == sorted(set(made))
    assert [columns(found)["c"] for found in all_rows(client, table)] == list(range(5))
    change = ots.Row(key(ots.PK_AUTO_INCR), [("c", 1)])
    condition = ots.Condition("EXPECT_NOT_EXIST")
    assert refused(lambda: client.put_row(table, change, condition))[0] == 400


def test_the_clock_of_versions_is_the_servers(emulator: Emulator, client: Any) -> None:
    table = emulator.make_table()
    before = now_ms()
    client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
    stamp = (cells(client, table, max_version=1) or [])[0][2]
    assert before <= stamp <= time.time_ns() // 1_000_000
