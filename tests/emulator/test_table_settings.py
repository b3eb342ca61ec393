"""What a table keeps beside its schema: encryption, partitions, columns defined later, indexes."""

import itertools
from typing import Any

import pytest
import tablestore as ots

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Emulator
from tests.emulator.read_requests import refused

SERVICE_KEY = ots.SSESpecification(True, ots.SSEKeyType.SSE_KMS_SERVICE)


def described(emulator: Emulator, name: str) -> wire.DescribeTableResponse:
    request = wire.DescribeTableRequest(table_name=name)
    return wire.DescribeTableResponse.FromString(emulator.send("DescribeTable", request).body)


@pytest.mark.parametrize("given", [SERVICE_KEY, ots.SSESpecification(False)])
def test_encryption_is_kept_and_shown(emulator: Emulator, client: Any, given: Any) -> None:
    meta = ots.TableMeta("encrypted", [("k", "STRING")])
    throughput = ots.ReservedThroughput(ots.CapacityUnit(0, 0))
    client.create_table(meta, ots.TableOptions(), throughput, None, given)
    shown = client.describe_table("encrypted").sse_details
    assert (shown.enable, shown.key_type) == (given.enable, given.key_type)
    assert (shown.key_id, shown.role_arn) == (None, None)


def test_encryption_with_an_own_key_is_shown_whole(emulator: Emulator) -> None:
    """Sent by hand: the Python SDK wants text here and then cannot encode it."""
    request = creation()
    own = wire.SSESpecification(enable=True, key_type=2, key_id=b"key", role_arn=b"acs:ram::1:r")
    request.sse_spec.CopyFrom(own)
    assert emulator.send("CreateTable", request).status == 200
    assert described(emulator, "parted").sse_details == own


@pytest.mark.parametrize(
    "wrong",
    [
        wire.SSESpecification(enable=True, key_type=3),
        wire.SSESpecification(enable=True, key_type=2, key_id=b"key"),
        wire.SSESpecification(enable=True, key_type=1, key_id=b"key", role_arn=b"role"),
        wire.SSESpecification(enable=False, key_type=1),
    ],
)
def test_settings_of_encryption_must_fit(emulator: Emulator, wrong: wire.SSESpecification) -> None:
    request = creation()
    request.sse_spec.CopyFrom(wrong)
    assert emulator.send("CreateTable", request).status == 400
    assert not emulator.client().list_table()


def creation(*bounds: tuple[bytes, bytes]) -> wire.CreateTableRequest:
    return wire.CreateTableRequest(
        table_meta=wire.TableMeta(
            table_name="parted", primary_key=[wire.PrimaryKeySchema(name="k", type=2)]
        ),
        reserved_throughput=wire.ReservedThroughput(capacity_unit=wire.CapacityUnit(read=0)),
        table_options=wire.TableOptions(time_to_live=-1, max_versions=1),
        partitions=[wire.PartitionRange(begin=begin, end=end) for begin, end in bounds],
    )


LOW, HIGH = bytes((pb.INF_MIN,)), bytes((pb.INF_MAX,))
M, P = pb.wire_value("m"), pb.wire_value("p")


def test_partitions_given_at_creation_are_shown(emulator: Emulator) -> None:
    assert emulator.send("CreateTable", creation((LOW, M), (M, P), (P, HIGH))).status == 200
    shown = described(emulator, "parted")
    found = [decode_row(split).key for split in shown.shard_splits]
    assert found == [[(b"k", M)], [(b"k", P)]]


@pytest.mark.parametrize(
    "bounds",
    [
        [(M, M)],
        [(HIGH, LOW)],
        [(P, M)],
        [(LOW, M), (P, HIGH)],
        [(b"", HIGH)],
        [(LOW, pb.integer(5))],
        [(LOW, b"\x03\x09")],
    ],
)
def test_partitions_are_full_and_without_gaps(
    emulator: Emulator, bounds: list[tuple[bytes, bytes]]
) -> None:
    assert emulator.send("CreateTable", creation(*bounds)).status == 400
    assert not emulator.client().list_table()


@pytest.mark.parametrize(
    ("kind", "points", "text"),
    [
        (1, range(1, 11), "The count of partitions cannot be greater than 10"),
        (1, [-(2**63), 5], "The value of partition range can not be INT64_MIN or INT64_MAX."),
        (1, [5, 2**63 - 1], "The value of partition range can not be INT64_MIN or INT64_MAX."),
        (2, [5], "The value type of partition does not match with primary key."),
        (2, ["", "m"], "The value of partition range can not be empty string."),
        (3, [b"", b"m"], "The value of partition range can not be empty binary."),
        (
            2,
            ["Z" * 65],
            "The value of partition range exceeds the MaxLength:64 with CurrentLength:65.",
        ),
        (1, range(1, 10), ""),
        (2, ["Z" * 64, "中国"], ""),
        (3, [b"\x01" * 64, b"\x32"], ""),
    ],
)
def test_where_partitions_may_meet(emulator: Emulator, kind: int, points: Any, text: str) -> None:
    """As the Java test of split points asserts it."""
    bounds = [LOW, *(pb.wire_value(point) for point in points), HIGH]
    request = creation(*itertools.pairwise(bounds))
    request.table_meta.primary_key[0].type = kind
    answer = emulator.send("CreateTable", request)
    if text:
        assert answer.error == (400, "OTSParameterInvalid", text)
        return
    assert answer.status == 200
    found = [decode_row(split).key for split in described(emulator, "parted").shard_splits]
    assert found == [[(b"k", bound)] for bound in bounds[1:-1]]


def test_the_columns_of_a_stream_are_kept_and_shown(emulator: Emulator) -> None:
    """Only the Java SDK gives them; a change of other options leaves the stream as it is."""
    request = creation()
    given = wire.StreamSpecification(
        enable_stream=True, expiration_time=24, columns_to_get=["a", "b"]
    )
    request.stream_spec.CopyFrom(given)
    assert emulator.send("CreateTable", request).status == 200
    emulator.client().update_table("parted", ots.TableOptions(-1, 2))
    shown = described(emulator, "parted").stream_details
    assert (shown.enable_stream, shown.expiration_time) == (True, 24)
    assert list(shown.columns_to_get) == ["a", "b"]
    assert shown.stream_id.startswith("parted_")
    off = wire.UpdateTableRequest(
        table_name="parted", stream_spec=wire.StreamSpecification(enable_stream=False)
    )
    assert emulator.send("UpdateTable", off).status == 200
    shown = described(emulator, "parted").stream_details
    assert (shown.enable_stream, list(shown.columns_to_get)) == (False, [])


def test_defined_columns_come_and_go(emulator: Emulator, client: Any) -> None:
    """A value must be of the type that is defined at the time of its write."""
    table = emulator.make_table(defined=[("a", "INTEGER")])
    column = wire.DefinedColumnSchema(name="b", type=1)
    added = wire.AddDefinedColumnRequest(table_name=table, columns=[column])
    assert emulator.send("AddDefinedColumn", added).status == 200
    assert emulator.send("AddDefinedColumn", added).status == 400
    assert [tuple(c) for c in client.describe_table(table).table_meta.defined_columns] == [
        ("a", "INTEGER"),
        ("b", "INTEGER"),
    ]
    key = [("k", "a"), ("id", 1)]
    row, ignore = ots.Row(key, [("b", "text")]), ots.Condition("IGNORE")
    assert refused(lambda: client.put_row(table, row, ignore)) == (
        400,
        "OTSParameterInvalid",
        "Invalid column type for column b expect VT_INTEGER actual VT_STRING",
    )
    gone = wire.DeleteDefinedColumnRequest(table_name=table, columns=["b"])
    assert emulator.send("DeleteDefinedColumn", gone).status == 200
    client.put_row(table, row, ignore)
    assert emulator.send("DeleteDefinedColumn", gone).status == 400
    nowhere = wire.DeleteDefinedColumnRequest(table_name="nowhere", columns=["b"])
    assert emulator.send("DeleteDefinedColumn", nowhere).status == 404


def test_no_table_has_a_search_index(emulator: Emulator, client: Any) -> None:
    """Scripts that drop the indexes of a table before it find none, and can go on."""
    table = emulator.make_table()
    assert client.list_search_index(table) == []
    missing = (404, "OTSObjectNotExist", "Requested table does not exist.")
    assert refused(lambda: client.compute_splits("nowhere", "index")) == missing
    assert refused(lambda: client.list_search_index("nowhere")) == missing
    assert refused(lambda: client.compute_splits(table, "index")) == (
        404,
        "OTSObjectNotExist",
        "Requested index does not exist.",
    )
    assert refused(lambda: client.compute_splits(table, None))[:2] == (400, "OTSParameterInvalid")


@pytest.mark.parametrize("given", [None, False, True])
def test_every_setting_of_a_table_is_shown_as_it_was_given(
    emulator: Emulator, given: bool | None
) -> None:
    """All that CreateTable takes and DescribeTable has; what was not given is not made up."""
    options = wire.TableOptions(
        time_to_live=86_400,
        max_versions=7,
        bloom_filter_type=2,
        block_size=64,
        deviation_cell_version_in_sec=1000,
        allow_update=False,
    )
    if given is not None:
        options.update_full_row = given
    request = wire.CreateTableRequest(
        table_meta=wire.TableMeta(
            table_name="everything",
            primary_key=[
                wire.PrimaryKeySchema(name="k", type=2),
                wire.PrimaryKeySchema(name="b", type=3),
                wire.PrimaryKeySchema(name="n", type=1, option=1),
            ],
            defined_column=[
                wire.DefinedColumnSchema(name=f"c{number}", type=number)
                for number in (1, 2, 3, 4, 7)
            ],
        ),
        reserved_throughput=wire.ReservedThroughput(
            capacity_unit=wire.CapacityUnit(read=5, write=6)
        ),
        table_options=options,
        stream_spec=wire.StreamSpecification(
            enable_stream=True, expiration_time=168, columns_to_get=["c1"]
        ),
        sse_spec=wire.SSESpecification(enable=True, key_type=1),
    )
    assert emulator.send("CreateTable", request).status == 200
    asked = wire.DescribeTableRequest(table_name="everything")
    found = wire.DescribeTableResponse.FromString(emulator.send("DescribeTable", asked).body)
    assert found.table_meta == request.table_meta
    assert found.table_options == options
    unit = request.reserved_throughput.capacity_unit
    assert found.reserved_throughput_details.capacity_unit == unit
    assert found.sse_details == request.sse_spec
    stream = found.stream_details
    assert (stream.enable_stream, stream.expiration_time) == (True, 168)
    assert list(stream.columns_to_get) == ["c1"]
    assert found.creation_time > 0


@pytest.mark.parametrize("value", [True, False])
def test_update_full_row_is_chosen_at_creation(emulator: Emulator, value: bool) -> None:
    """An update that has it changes nothing."""
    table = emulator.make_table()
    options = wire.TableOptions(max_versions=9, update_full_row=value)
    request = wire.UpdateTableRequest(table_name=table, table_options=options)
    assert emulator.send("UpdateTable", request).error == (
        400,
        "OTSParameterInvalid",
        "The table options of UpdateTable cannot contain updateFullRow.",
    )
    assert emulator.client().describe_table(table).table_options.max_version == 1


def test_every_setting_of_a_time_series_table_is_shown_as_it_was_given(emulator: Emulator) -> None:
    meta = wire.TimeseriesTableMeta(
        table_name="all_settings",
        table_options=wire.TimeseriesTableOptions(time_to_live=86_400),
        meta_options=wire.TimeseriesMetaOptions(
            allow_update_attributes=False, meta_time_to_live=604_800
        ),
        timeseries_key_schema=["_m_name", "city", "_tags"],
        field_primary_key_schema=[wire.PrimaryKeySchema(name="seq", type=1, option=1)],
        disable_hash_partition_key=True,
        disable_timeseries_meta_index=True,
    )
    store = wire.TimeseriesAnalyticalStore(store_name="s", time_to_live=-1, sync_option=2)
    request = wire.CreateTimeseriesTableRequest(table_meta=meta, analytical_stores=[store])
    assert emulator.send("CreateTimeseriesTable", request).status == 200
    asked = wire.DescribeTimeseriesTableRequest(table_name="all_settings")
    answer = emulator.send("DescribeTimeseriesTable", asked)
    found = wire.DescribeTimeseriesTableResponse.FromString(answer.body)
    meta.status = "CREATED"
    assert (found.table_meta, list(found.analytical_stores)) == (meta, [store])
    emulator.client().delete_timeseries_table("all_settings")
