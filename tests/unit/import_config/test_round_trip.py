"""Any legal configuration of the connector becomes a config.toml that loads and means the same."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.import_config.files import of_json, of_properties
from tests.unit.import_config.factories import imported

_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
_TYPES = ("string", "integer", "binary", "boolean", "double")
_MODES = ("kafka", "record_key", "record_value", "search")


def _any_case(word: str, draw: st.DrawFn) -> str:
    return draw(st.sampled_from([word, word.upper(), f" {word}", word.capitalize()]))


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, Any]]:
    """Keys of a connector of data tables, and what they mean."""
    topics = draw(st.lists(_NAME, min_size=1, max_size=4, unique=True))
    pattern = draw(st.sampled_from(["<topic>", "pre_<topic>", "<topic>_<topic>", "one"]))
    assigned = draw(st.dictionaries(st.sampled_from(topics), _NAME))
    mode = draw(st.sampled_from(_MODES))
    insert = draw(st.sampled_from(["put", "update"]))
    deletes = ["none", "row", "column", "row_and_column"] if mode == "record_key" else ["none"]
    delete = draw(st.sampled_from(deletes))
    create = draw(st.booleans())
    keys = {
        "topics": draw(st.sampled_from([",", " , "])).join(topics),
        "table.name.format": pattern,
        "primarykey.mode": _any_case(mode, draw),
        "insert.mode": _any_case(insert, draw),
        "delete.mode": _any_case(delete, draw),
        "auto.create": str(create).lower(),
    }
    if assigned:
        keys["topics.assign.tables"] = ",".join(f"{a}:{b}" for a, b in assigned.items())
    of_topic = {topic: assigned.get(topic, pattern.replace("<topic>", topic)) for topic in topics}
    meant: dict[str, Any] = {"topics": of_topic, "modes": (mode, insert, delete, create)}
    meant["tables"] = {}
    for table in dict.fromkeys(of_topic.values()):
        names = draw(st.lists(_NAME, min_size=1, max_size=7, unique=True))
        count = draw(st.integers(1, min(4, len(names))))
        prefix = f"tablestore.{table}."
        key = [(n, draw(st.sampled_from(_TYPES[:3]))) for n in names[:count]]
        if count > 1 and draw(st.booleans()):
            key[-1] = (key[-1][0], "auto_increment")
        columns = [
            (n, draw(st.sampled_from(_TYPES)))
            for n in names[count:]
            if n not in ("md5", "topic", "partition", "offset", "topic_partition", "timestamp")
        ]
        if mode.startswith("record"):
            keys[f"{prefix}primarykey.name"] = ",".join(n for n, _ in key)
            keys[f"{prefix}primarykey.type"] = ",".join(t for _, t in key)
        if columns:
            keys[f"{prefix}columns.whitelist.name"] = ", ".join(n for n, _ in columns)
            keys[f"{prefix}columns.whitelist.type"] = ",".join(t for _, t in columns)
        meant["tables"][table] = (key if mode.startswith("record") else None, columns or "all")
    return keys, meant


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(tables(), st.booleans())
def test_data_tables(made: tuple[dict[str, str], dict[str, Any]], compatible: bool) -> None:
    """Tables, keys, columns and modes are equal, and the file loads."""
    keys, meant = made
    found, _ = imported(keys, compatible)
    assert {topic: found.table_of(topic) for topic in found.kafka.topics} == meant["topics"]
    for table, (key, columns) in meant["tables"].items():
        rules = found.rules_of(table)
        modes = (rules.primary_key_mode, rules.insert_mode, rules.delete_mode, rules.auto_create)
        assert modes == meant["modes"]
        if key is not None:
            assert list(rules.key_columns) == key
        own = "all" if rules.columns == "all" else [(c.name, c.type) for c in rules.columns]
        assert own == columns
        assert rules.conversions == ("connector" if compatible else "exact")
        assert (rules.search_timestamp == "kafka") == (rules.primary_key_mode == "search")
    assert found.without_effect() == []


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_points(data: st.DataObject) -> None:
    """Measurement, source, tags, time and fields of each table are equal, and the file loads."""
    draw = data.draw
    topics = draw(st.lists(_NAME, min_size=1, max_size=3, unique=True))
    map_all, lower = draw(st.booleans()), draw(st.booleans())
    keys = {
        "topics": ",".join(topics),
        "tablestore.mode": "timeseries",
        "tablestore.timeseries.mapAll": str(map_all),
        "tablestore.timeseries.toLowerCase": str(lower),
    }
    meant = {}
    units = {"SECONDS": "s", "MILLISECONDS": "ms", "MICROSECONDS": "us", "NANOSECONDS": "ns"}
    for topic in topics:
        legal = _NAME if lower else _NAME.map(str.lower)
        names = draw(st.lists(legal, min_size=4, max_size=9, unique_by=str.lower))
        measurement, source, time, first, *rest = names
        cut = draw(st.integers(0, len(rest)))
        tags, fields = rest[:cut], [first, *rest[cut:]]
        types = [draw(st.sampled_from(_TYPES)) for _ in fields]
        unit = draw(st.sampled_from([*units]))
        prefix = f"tablestore.timeseries.{topic}."
        keys |= {
            f"{prefix}measurement": measurement,
            f"{prefix}dataSource": source,
            f"{prefix}tags": ",".join(tags),
            f"{prefix}time": time,
            f"{prefix}time.unit": unit,
            f"{prefix}field.name": ",".join(fields),
            f"{prefix}field.type": ",".join(types),
        }
        fixed = (measurement, source, tuple(tags), time, units[unit], map_all, lower)
        meant[topic] = (*fixed, list(zip(fields, types, strict=True)))
    found, _ = imported(keys)
    for topic, expected in meant.items():
        series = found.rules_of(found.table_of(topic)).timeseries
        assert expected == (
            series.measurement_field,
            series.data_source_field,
            series.tags,
            series.time_field,
            series.time_unit,
            series.map_all,
            series.to_lower_case,
            [(field.name, field.type) for field in series.fields],
        )


@given(tables())
def test_all_forms_of_a_file_say_the_same(made: tuple[dict[str, str], dict[str, Any]]) -> None:
    """Properties, the plain map and the object of the REST API."""
    keys = {key: value.strip() for key, value in made[0].items()}
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
    assert of_properties(lines) == keys == of_json(json.dumps(keys))
    assert of_json(json.dumps({"name": "n", "config": keys})) == {**keys, "name": "n"}
