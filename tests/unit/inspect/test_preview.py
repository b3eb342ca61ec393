"""A preview says of each record what a run makes of it: tried on the whole corpus."""

import json
from collections.abc import Callable
from contextlib import ExitStack

import hypothesis.strategies as st
import pytest
from hypothesis import given

from connectors.errors import StopRun
from connectors.inspect.capacity import row_units
from connectors.inspect.plain import plain, previewed_document, short
from connectors.inspect.preview import Preview
from connectors.records import UNAVAILABLE, PlainMessage, Row
from connectors.settings.tables import TableSettings
from connectors.tablestore.plainbuffer.cells import AUTO_INCREMENT
from connectors.tablestore.plainbuffer.encode import Cell, encode_row, wire_row
from connectors.tablestore.row_reader import ReadCell, ReadRow, read_row
from connectors.tablestore.timeseries.protobuf import PointEncoder
from tests.support.corpus import Case, CorpusFlow, exact, flows
from tests.support.registry import SchemaRegistry
from tests.unit.factories import settings

pytestmark = pytest.mark.unit
FLOWS = flows()


def framed(ids: dict[str, int], schema: str | None, value: bytes | None) -> bytes | None:
    """A record's key or value with its schema's id."""
    if schema is None or value is None:
        return value
    return b"\0" + ids[schema].to_bytes(4, "big") + value


@pytest.mark.parametrize("corpus", FLOWS, ids=[flow.name for flow in FLOWS])
def test_a_preview_says_what_a_run_does(corpus: CorpusFlow) -> None:
    """Row by row and rejection by rejection; records that depend on earlier ones are left out."""
    topics = {f"{corpus.name}_{table}_1_1": table for table in corpus.tables}
    sections = {
        **corpus.settings,
        "kafka": {"topics": [*topics]},
        "transforms": corpus.transforms,
        "errors": {"tolerance": "all"},
    }
    sections["mapping"] = {**corpus.settings.get("mapping", {}), "topics": topics}
    with ExitStack() as stack:
        ids: dict[str, int] = {}
        if corpus.schemas:
            registry = stack.enter_context(SchemaRegistry())
            ids = corpus.register(registry)
            formats = {**sections["format"], "registry": {"url": registry.url}}
            sections["format"] = formats
        preview = Preview(settings(**sections), with_stages=bool(corpus.transforms))
        seen = 0
        for case in corpus.cases:
            if not case.alone:
                seen += 1
                check(preview, case, f"{corpus.name}_{case.table}_1_1", ids)
    assert seen


def check(preview: Preview, case: Case, topic: str, ids: dict[str, int]) -> None:
    """One record becomes what its file says."""
    message = PlainMessage(
        topic,
        3,
        7,
        timestamp=case.timestamp,
        key=framed(ids, case.key_schema, case.key),
        value=framed(ids, case.schema, case.value),
        headers=[(name, text.encode()) for name, text in case.headers.items()],
    )
    found = preview.of(message)
    json.dumps(previewed_document(found), allow_nan=False)
    assert [f"{one.stage} {one.code}" for one in found.rejections] == (
        [case.rejected] if case.rejected else []
    ), case.name
    assert found.is_filtered is case.filtered, case.name
    if case.row is None:
        assert found.rows == []
        return
    (row,) = found.rows
    assert exact({cell.name: cell.value for cell in row.columns}) == exact(case.row), case.name
    key = case.row_key or {"topic_partition": f"{topic}_3", "offset": 7}
    assert exact({cell.name: cell.value for cell in row.key}) == exact(key), case.name


_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,200}", fullmatch=True)
_KEYS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.text(max_size=300), st.binary(max_size=300)
).filter(lambda value: not isinstance(value, str) or value.isprintable())
_VALUES = st.one_of(_KEYS, st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
_TYPES = {int: "integer", float: "double", bool: "boolean", str: "string", bytes: "binary"}


@given(
    st.dictionaries(_NAMES, _KEYS, min_size=1, max_size=4),
    st.dictionaries(_NAMES, st.tuples(_VALUES, st.none() | st.integers(0, 2**62)), max_size=8),
    st.lists(_NAMES, max_size=3),
)
def test_rows_are_read_as_they_were_encoded(
    key: dict[str, object], columns: dict[str, tuple[object, int | None]], deleted: list[str]
) -> None:
    """Names, types, values, versions and deletes of cells."""
    cells = [Cell(name, value, "put", version) for name, (value, version) in columns.items()]  # type: ignore[arg-type]
    cells += [Cell(name, None, "delete_all") for name in deleted]
    wire = wire_row("update", encode_row("update", [*key.items()], cells))  # type: ignore[list-item]
    found = read_row(Row(b"", wire, "update", "t", "t", 0, 0, None), is_point=False)
    assert found.key == [ReadCell(name, _TYPES[type(value)], value) for name, value in key.items()]  # type: ignore[arg-type]
    assert found.columns == [
        *(
            ReadCell(name, _TYPES[type(value)], value, "put", version)  # type: ignore[arg-type]
            for name, (value, version) in columns.items()
        ),
        *(ReadCell(name, "", None, "delete_all") for name in deleted),
    ]


def test_a_generated_key_is_named_so() -> None:
    """Its value is the service's to choose."""
    wire = wire_row("put", encode_row("put", [("a", "x"), ("n", AUTO_INCREMENT)], []))
    found = read_row(Row(b"", wire, "put", "t", "t", 0, 0, None), is_point=False)
    assert found.key[1] == ReadCell("n", "auto_increment", None)


@given(
    st.text(min_size=1, max_size=200),
    st.text(max_size=50),
    st.dictionaries(_NAMES, st.text(max_size=200), max_size=5),
    st.integers(0, 2**62),
    st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6),
)
def test_points_are_read_as_they_were_encoded(
    measurement: str, source: str, tags: dict[str, str], time: int, fields: dict[str, object]
) -> None:
    """Measurement, data source, tags and time are the key; fields the columns."""
    encoder = PointEncoder()
    encode = encoder.compile([(name, _TYPES[type(value)]) for name, value in fields.items()])
    series = encoder.series(measurement, source, [*tags.items()])
    _, wire, _ = encode(series, time, [*fields.values()])
    found = read_row(Row(b"", wire, "put", "t", "t", 0, 0, None), is_point=True)
    assert found.key == [
        ReadCell("_m_name", "string", measurement),
        *([ReadCell("_data_source", "string", source)] if source else []),
        *(ReadCell(name, "string", text) for name, text in tags.items()),
        ReadCell("_time", "time", time),
    ]
    assert found.columns == [
        ReadCell(name, _TYPES[type(value)], value)  # type: ignore[arg-type]
        for name, value in fields.items()
    ]


def test_capacity_units_are_those_of_the_service() -> None:
    """4 KB begun of names and values, 8 a version in tables that keep several or have a TTL."""
    key = [ReadCell("ID", "integer", 1)]
    columns = [ReadCell("Name", "string", "zhangsan"), ReadCell("Length", "integer", 20)]
    row = ReadRow("row", key, columns)
    assert row.size == 10 + 12 + 14
    assert row_units(row, TableSettings()) == 1
    large = row._replace(columns=[ReadCell("c", "string", "x" * (4096 - 11))])
    assert row_units(large, TableSettings()) == 1
    assert row_units(large, TableSettings(max_versions=2)) == 2
    assert row_units(large, TableSettings(time_to_live=86_400)) == 2
    assert row_units(row._replace(kind="point"), TableSettings()) == 36 / 1024


def test_stages_show_the_record_behind_each_transform() -> None:
    """And where it was rejected or dropped; each is shown from a fresh record."""
    transforms = [
        {"type": "rename", "fields": {"a": "b"}},
        {"type": "filter", "drop": {"field": "b", "equals": 2}},
        {"type": "cast", "fields": {"b": "integer"}},
    ]
    preview = Preview(settings(transforms=transforms), with_stages=True)
    names = ["decoded", "1. rename", "2. filter", "3. cast"]

    def stages(value: bytes) -> list[object]:
        found = preview.of(PlainMessage("orders", value=value)).stages
        assert [one.step for one in found] == names[: len(found)]
        return [
            one.rejection.code if one.rejection else [record.value for record in one.records]
            for one in found
        ]

    assert stages(b'{"a": 1}') == [[{"a": 1}], [{"b": 1}], [{"b": 1}], [{"b": 1}]]
    assert stages(b'{"a": 2}') == [[{"a": 2}], [{"b": 2}], [], []]
    assert stages(b"{") == ["value_json_invalid"]
    rejected = stages(b'{"a": "x"}')
    assert rejected[:3] == [[{"a": "x"}], [{"b": "x"}], [{"b": "x"}]]
    assert isinstance(rejected[3], str)


def test_a_registry_that_is_away_ends_a_preview() -> None:
    """A run would wait for it; a tool says so."""
    formats = {"value": "avro", "registry": {"url": "http://127.0.0.1:9", "timeout": 2}}
    preview = Preview(settings(format=formats))
    with pytest.raises(StopRun, match="remedy: start the registry"):
        preview.of(PlainMessage("orders", value=b"\0\0\0\0\1\0"))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (float("nan"), "nan"),
        (b"\xff", {"base64": "/w=="}),
        ({1: (b"",)}, {"1": [{"base64": ""}]}),
        (UNAVAILABLE, "Unavailable.UNAVAILABLE"),
        (2**70, 2**70),
    ],
)
def test_any_value_is_json(value: object, wanted: object) -> None:
    """Whatever a decoder or a function makes."""
    assert plain(value) == wanted
    json.dumps(plain(value), allow_nan=False)
    assert short(value)


def test_long_values_are_cut() -> None:
    """With what they are long."""
    shown: Callable[..., str] = short
    assert shown("x" * 100).endswith("... (102 characters)")
    assert shown(b"x" * 100).endswith("... (100 bytes)")
