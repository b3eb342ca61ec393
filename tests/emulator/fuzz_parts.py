"""Pieces of the requests that `tests.emulator.fuzz` mutates: rows, filters, points."""

import random
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc32c import crc32c
from tests.emulator.harness import row

NOW_MS = 1_800_000_000_000
WIDE, SERIES = "target", "target_series"
INNER = f"{SERIES}#timeseries"
GUARDED = frozenset(("guarded_rows", "guarded_series"))
"""Tables with rows that no request names."""

Mutate = Callable[[bytes], bytes]
Entry = tuple[str, str, Callable[[Mutate], Message]]


def key(number: int = 1) -> list[tuple[str, Any]]:
    return [("k", "a"), ("id", number)]


def put_buffer(number: int = 1) -> bytes:
    return row(
        key(number),
        [("c", 5), ("d", "Zürich"), ("e", 1.5), ("f", True), ("g", b"\0\xff"), ("c", 4, NOW_MS)],
    )


def bound(kind: int) -> bytes:
    return pb.HEADER + pb.encode_row([(name, bytes((kind,))) for name in (b"k", b"id")])


def inner_key(time: int | None = None) -> list[tuple[bytes, bytes]]:
    """A key of the table behind the time series table; without a time the lowest bound."""
    names = (b"_#h", b"_m_name", b"_data_source", b"_tags")
    values = ("", "cpu", "host", '["a=b"]')
    if time is None:
        return [(name, bytes((pb.INF_MIN,))) for name in (*names, b"_time")]
    cells = [(name, pb.wire_value(value)) for name, value in zip(names, values, strict=True)]
    return [*cells, (b"_time", pb.integer(time))]


def inner_scan(begin: bytes) -> wire.GetRangeRequest:
    high = [(name, bytes((pb.INF_MAX,))) for name, _ in inner_key()]
    return wire.GetRangeRequest(
        table_name=INNER,
        direction=0,
        max_versions=1,
        inclusive_start_primary_key=begin,
        exclusive_end_primary_key=pb.HEADER + pb.encode_row(high),
        columns_to_get=["load:d", "number:i"],
    )


def partition() -> bytes:
    return row([("k", "a")])


def _crc8(data: bytes, initial: int) -> int:
    """The checksum the server uses at the moment; fuzzing may switch it off."""
    return int(vars(pb)["crc8"](data, initial))


def _cell(name: bytes, value: bytes | None, op: int, version: int | None = None) -> bytes:
    """An attribute cell of an update, by hand: the server's encoder makes only puts."""
    size = len(name).to_bytes(4, "little")
    out = b"\x03\x04" + size + name
    checksum = _crc8(name, 0)
    if value is not None:
        out += b"\x05" + len(value).to_bytes(4, "little") + value
        checksum = _crc8(value, checksum)
    if op:
        out += bytes((6, op))
    if version is not None:
        stamp = version.to_bytes(8, "little")
        out += b"\x07" + stamp
        checksum = _crc8(stamp, checksum)
    if op:
        checksum = _crc8(bytes((op,)), checksum)
    return out + bytes((10, checksum))


def _row(key_cells: list[bytes], cells: list[bytes], delete_marker: bool = False) -> bytes:
    parts = [pb.HEADER, b"\x01", *key_cells]
    if cells:
        parts += [b"\x02", *cells]
    if delete_marker:
        parts.append(b"\x08")
    sums = bytes(cell[-1] for cell in (*key_cells, *cells)) + bytes((delete_marker,))
    return b"".join(parts) + bytes((9, _crc8(sums, 0)))


def _key_cells(number: int = 1) -> list[bytes]:
    return [_cell(name.encode(), pb.wire_value(value), pb.PUT) for name, value in key(number)]


def update_buffer() -> bytes:
    cells = [
        _cell(b"c", pb.integer(2), pb.INCREMENT),
        _cell(b"d", None, pb.DELETE_ALL),
        _cell(b"e", None, pb.DELETE_ONE, NOW_MS),
        _cell(b"h", pb.wire_value("new"), pb.PUT, NOW_MS),
    ]
    return _row(_key_cells(), cells)


def delete_buffer() -> bytes:
    return _row(_key_cells(77), [], delete_marker=True)


_VALUES: tuple[bytes | None, ...] = (
    None,
    pb.integer(-(2**63)),
    pb.integer(1),
    pb.wire_value(1.5),
    pb.wire_value(True),
    pb.wire_value(""),
    pb.wire_value("Zürich"),
    pb.wire_value("x" * 1025),
    pb.wire_value(b"\0\xff"),
    pb.text(b"\xff\xfe"),
    b"\x01" + b"\xff" * 8,
    b"\x02\x02",
    b"\x00\x01",
    b"\x06",
    b"",
    *(bytes((kind,)) for kind in (pb.INF_MIN, pb.INF_MAX, pb.AUTO_INCREMENT)),
)


def random_row(dice: random.Random) -> bytes:
    """A row with right checksums and cells of any kind in any place."""

    def cell(name: str, usual: bytes, chance: float) -> bytes:
        if dice.random() >= chance:
            return _cell(name.encode(), usual, pb.PUT)
        op = dice.choice((pb.PUT, pb.PUT, pb.DELETE_ALL, pb.DELETE_ONE, pb.INCREMENT, 2, 200))
        version = dice.choice((None, None, 0, NOW_MS, 2**62, 2**63 - 1))
        return _cell(
            dice.choice((name, name, "k", "typed", "9x", "", "x" * 256)).encode(),
            dice.choice(_VALUES),
            op,
            version,
        )

    strange = dice.choice((0.0, 0.02, 0.5))
    keys = [cell(name, pb.wire_value(value), strange) for name, value in key(dice.randrange(30))]
    if dice.random() < strange:
        keys = dice.choice((keys[:1], keys[::-1], keys * 2, keys[:1] * 2))
    names = dice.choices(["c", "d", "e", "typed", "z"], k=dice.choice((0, 1, 2, 5, 40)))
    cells = [cell(name, pb.integer(3), dice.choice((0.0, 0.5, 1.0))) for name in names]
    return _row(keys, cells, dice.random() < 0.2)


def single(comparator: int = 4, regex: bool = False) -> bytes:
    rule = wire.SingleColumnFilter(
        comparator=comparator,
        column_name="c",
        column_value=pb.integer(3),
        filter_if_missing=True,
        latest_version_only=False,
    )
    if regex:
        rule.value_trans_rule.regex, rule.value_trans_rule.cast_type = "a([0-9]+)", pb.INTEGER
        rule.column_name = "d"
    return wire.Filter(type=1, filter=rule.SerializeToString()).SerializeToString()


def composite() -> bytes:
    rule = wire.CompositeFilter(combinator=3)
    for number in range(3):
        rule.sub_filters.add().MergeFromString(single((1, 5, 1)[number], regex=number == 2))
    inner = wire.CompositeFilter(combinator=1)
    inner.sub_filters.add(type=2, filter=rule.SerializeToString())
    return wire.Filter(type=2, filter=inner.SerializeToString()).SerializeToString()


def pagination() -> bytes:
    page = wire.PaginationFilter(offset=1, limit=3)
    return wire.Filter(type=3, filter=page.SerializeToString()).SerializeToString()


def flatbuffer() -> bytes:
    """Two points of five fields, as the official SDK writes them."""
    from tablestore.flatbuffer.timeseries_flat_buffer_encoder import get_column_val_by_tp
    from tablestore.metadata import TimeseriesKey, TimeseriesRow

    fields = {"text": "x", "number": 5, "yes": True, "ratio": 0.5, "raw": bytearray(b"\0\xff")}
    series = TimeseriesKey("cpu", "host", {"a": "b", "c": "d"})
    rows = [TimeseriesRow(series, dict(fields), NOW_MS * 1000 + n) for n in range(2)]
    return bytes(get_column_val_by_tp(SERIES, rows))


def proto_points() -> bytes:
    fields = [
        wire.TimeseriesField(name="number", int_value=-1),
        wire.TimeseriesField(name="text", string_value="x"),
        wire.TimeseriesField(name="raw", binary_value=b"\0\xff"),
    ]
    one = wire.TimeseriesRow(key=series_key(), time=9, fields=fields)
    return wire.TimeseriesRowList(rows=[one]).SerializeToString()


def series_key() -> wire.TimeseriesKey:
    return wire.TimeseriesKey(
        measurement="cpu", source="host", tag_list=[wire.TimeseriesTag(name="a", value="b")]
    )


def points(table: str, data: bytes, kind: int) -> wire.PutTimeseriesDataRequest:
    checksum = crc32c(data)
    signed = checksum - (1 << 32) if checksum >= 1 << 31 else checksum
    rows = wire.TimeseriesRows(type=kind, rows_data=data, flatbuffer_crc32c=signed)
    return wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows, supported_table_version=1
    )


def meta_condition() -> bytes:
    rule = wire.MetaComposite(op=1)
    rule.sub_conditions.add(type=2, proto_data=wire.MetaText(op=6, value="c").SerializeToString())
    rule.sub_conditions.add(
        type=4, proto_data=wire.MetaPair(op=1, name="a", value="b").SerializeToString()
    )
    rule.sub_conditions.add(type=5, proto_data=wire.MetaTime(op=2, value=1).SerializeToString())
    return rule.SerializeToString()
