"""Table operations: what is kept and shown, and each refusal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, running

UNITS = ots.ReservedThroughput(ots.CapacityUnit(0, 0))


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


def create(client: Any, name: str, key: Any = (("k", "STRING"),), **options: Any) -> None:
    defined = options.pop("defined", [])
    client.create_table(ots.TableMeta(name, list(key), defined), ots.TableOptions(**options), UNITS)


def test_a_table_is_shown_as_it_was_made(emulator: Emulator, client: Any) -> None:
    key = [("a", "STRING"), ("b", "INTEGER", ots.PK_AUTO_INCR), ("c", "BINARY")]
    defined = [("x", "INTEGER"), ("y", "DOUBLE"), ("z", "STRING"), ("u", "BINARY")]
    name = emulator.make_table(
        key, defined, time_to_live=86400, max_version=3, max_time_deviation=1000
    )
    shown = client.describe_table(name)
    assert shown.table_meta.schema_of_primary_key == [
        ("a", "STRING"),
        ("b", "INTEGER", ots.PK_AUTO_INCR),
        ("c", "BINARY"),
    ]
    assert sorted(shown.table_meta.defined_columns) == sorted(defined)
    options = shown.table_options
    assert (options.time_to_live, options.max_version, options.max_time_deviation) == (
        86400,
        3,
        1000,
    )
    assert options.allow_update is True


def test_tables_are_listed_sorted(emulator: Emulator, client: Any) -> None:
    made = {emulator.make_table() for _ in range(3)}
    listed = list(client.list_table())
    assert made <= set(listed)
    assert listed == sorted(listed)


def test_a_deleted_table_is_gone_with_its_rows(emulator: Emulator, client: Any) -> None:
    name = "comes_back"
    create(client, name)
    client.put_row(name, ots.Row([("k", "a")], [("c", 1)]), ots.Condition("IGNORE"))
    client.delete_table(name)
    assert name not in client.list_table()
    assert refused(lambda: client.describe_table(name)) == (
        404,
        "OTSObjectNotExist",
        "Requested table does not exist.",
    )
    create(client, name)
    assert client.get_row(name, [("k", "a")], max_version=1)[1] is None
    client.delete_table(name)


def test_a_name_is_used_once(emulator: Emulator, client: Any) -> None:
    name = emulator.make_table()
    assert refused(lambda: create(client, name)) == (
        409,
        "OTSObjectAlreadyExist",
        "Requested table already exists.",
    )


@pytest.mark.parametrize(
    ("name", "key", "options", "text"),
    [
        ("1a", [("k", "STRING")], {}, "Invalid table name: '1a'."),
        ("a-b", [("k", "STRING")], {}, "Invalid table name: 'a-b'."),
        ("x" * 256, [("k", "STRING")], {}, f"Invalid table name: '{'x' * 256}'."),
        ("t", [], {}, "The number of primary key columns must be in range: [1, 4]."),
        (
            "t",
            [(f"k{i}", "STRING") for i in range(5)],
            {},
            "The number of primary key columns must be in range: [1, 4].",
        ),
        ("t", [("k", "STRING"), ("k", "STRING")], {}, "Duplicated primary key name: 'k'."),
        ("t", [("9", "STRING")], {}, "Invalid column name: '9'."),
        (
            "t",
            [("k", "INTEGER", ots.PK_AUTO_INCR)],
            {},
            "First primary key can't be auto increment, table: t.",
        ),
        (
            "t",
            [("k", "STRING"), ("a", "STRING", ots.PK_AUTO_INCR)],
            {},
            "AUTO_INCREMENT primary key must be integer.",
        ),
        (
            "t",
            [("k", "STRING"), *((n, "INTEGER", ots.PK_AUTO_INCR) for n in "ab")],
            {},
            "AUTO_INCREMENT primary key count must <= 1.",
        ),
        ("t", [("k", "STRING")], {"time_to_live": 0}, "TimeToLive cannot be 0 or less than -1."),
        ("t", [("k", "STRING")], {"time_to_live": -2}, "TimeToLive cannot be 0 or less than -1."),
        (
            "t",
            [("k", "STRING")],
            {"max_version": 0},
            "The maximum versions cannot be less than or equal to 0.",
        ),
        (
            "t",
            [("k", "STRING")],
            {"max_time_deviation": -1},
            "The maximum deviation must be in range [0, INT64_MAX/1000000].",
        ),
        (
            "t",
            [("k", "STRING")],
            {"defined": [(f"c{i}", "STRING") for i in range(33)]},
            "The number of defined columns must be in range: [0, 32].",
        ),
    ],
)
def test_bad_tables_are_refused(
    client: Any, name: str, key: Any, options: dict[str, Any], text: str
) -> None:
    assert refused(lambda: create(client, name, key, **options)) == (
        400,
        "OTSParameterInvalid",
        text,
    )


def test_a_time_to_live_under_a_day_is_refused(client: Any) -> None:
    status, code, _ = refused(lambda: create(client, "t", time_to_live=86399))
    assert (status, code) == (400, "OTSParameterInvalid")


def test_missing_options_are_named(emulator: Emulator) -> None:
    request = wire.CreateTableRequest(
        table_meta=wire.TableMeta(
            table_name="t", primary_key=[wire.PrimaryKeySchema(name="k", type=2)]
        ),
        reserved_throughput=wire.ReservedThroughput(capacity_unit=wire.CapacityUnit()),
    )
    answer = emulator.send("CreateTable", request)
    assert answer.error[2] == "Time-to-live is missing while creating table."
    request.table_options.time_to_live = -1
    answer = emulator.send("CreateTable", request)
    assert answer.error[2] == "MaxVersions is missing while creating table."


def test_options_and_throughput_can_be_changed(emulator: Emulator, client: Any) -> None:
    name = emulator.make_table()
    changed = client.update_table(
        name,
        ots.TableOptions(time_to_live=90000, max_version=5, max_time_deviation=10),
        ots.ReservedThroughput(ots.CapacityUnit(3, 4)),
    )
    assert changed.table_options.max_version == 5
    shown = client.describe_table(name)
    assert shown.table_options.time_to_live == 90000
    unit = shown.reserved_throughput_details.capacity_unit
    assert (unit.read, unit.write) == (3, 4)


def test_a_refused_update_changes_nothing(emulator: Emulator, client: Any) -> None:
    name = emulator.make_table(max_version=2)
    options = ots.TableOptions(time_to_live=90000, max_version=0)
    assert refused(lambda: client.update_table(name, options))[0] == 400
    assert client.describe_table(name).table_options.time_to_live == -1


def test_an_empty_update_is_refused(emulator: Emulator) -> None:
    name = emulator.make_table()
    answer = emulator.send("UpdateTable", wire.UpdateTableRequest(table_name=name))
    assert answer.error[2] == "No parameter is specified in table options."


def test_the_65th_table_is_refused() -> None:
    with running() as server:
        client = server.client()
        for number in range(64):
            create(client, f"t{number}")
        assert refused(lambda: create(client, "t64")) == (
            403,
            "OTSQuotaExhausted",
            "Number of tables exceeds the quota:64.",
        )


def test_instances_are_apart() -> None:
    with running("--instance", "first", "--instance", "second") as server:
        one, two = server.client(instance="first"), server.client(instance="second")
        create(one, "t")
        create(two, "t")
        one.put_row("t", ots.Row([("k", "a")], [("c", 1)]), ots.Condition("IGNORE"))
        assert two.get_row("t", [("k", "a")], max_version=1)[1] is None
        one.delete_table("t")
        assert list(two.list_table()) == ["t"]


@pytest.mark.parametrize(
    ("code", "status"), [("OTSTableNotReady", 404), ("OTSObjectNotExist", 404)]
)
def test_a_new_table_can_take_its_time(code: str, status: int) -> None:
    """Until the delay is over rows are refused, and the table is shown."""
    with running("--ready-delay", "3600", "--not-ready-as", code) as server:
        client = server.client()
        create(client, "t")
        change = ots.Row([("k", "a")], [("c", 1)])
        found = refused(lambda: client.put_row("t", change, ots.Condition("IGNORE")))
        assert found[:2] == (status, code)
        assert client.describe_table("t").table_meta.table_name == "t"


def test_table_operations_can_be_limited() -> None:
    with running("--table-operations-per-second", "0.5") as server:
        client = server.client()
        create(client, "t0")
        assert refused(lambda: create(client, "t1")) == (
            403,
            "OTSQuotaExhausted",
            "Too frequent table operations.",
        )


def test_tables_outlive_the_process(tmp_path: Path) -> None:
    with running("--data", str(tmp_path)) as server:
        name = server.make_table([("a", "INTEGER"), ("b", "BINARY")], [("d", "DOUBLE")])
        before = server.client().describe_table(name)
        assert server.stop() == 0
    with running("--data", str(tmp_path)) as server:
        after = server.client().describe_table(name)
        assert str(after.table_meta) == str(before.table_meta)
        assert str(after.table_options) == str(before.table_options)
