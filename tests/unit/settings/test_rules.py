"""What values options may have, and what they may not have together."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.settings import Settings
from tests.unit.factories import settings
from tests.unit.settings.conftest import KAFKA, Config


@pytest.mark.parametrize(
    ("section", "line", "key", "bound"),
    [
        ("kafka", 'bootstrap_servers = ""', "kafka.bootstrap_servers", "1 character"),
        ("kafka", 'group = ""', "kafka.group", "1 character"),
        ("kafka", "discovery_interval = 0", "kafka.discovery_interval", "greater than 0"),
        ("kafka", "metadata_timeout = -1", "kafka.metadata_timeout", "greater than 0"),
        ("kafka", "chunk_messages = 0", "kafka.chunk_messages", "1"),
        ("kafka", "chunk_messages = 100001", "kafka.chunk_messages", "100000"),
        ("kafka", "prefetch_mib = 0", "kafka.prefetch_mib", "greater than 0"),
        ("kafka", "prefetch_mib = 2048", "kafka.prefetch_mib", "2047"),
        ("tablestore", "timeout = 0", "tablestore.timeout", "greater than 0"),
        ("tablestore", "retry_initial = 0.0", "tablestore.retry_initial", "greater than 0"),
        ("tablestore", "retry_max = -0.1", "tablestore.retry_max", "greater than 0"),
        ("tablestore", "queue = 0", "tablestore.queue", "1"),
        ("tablestore", "queue = 101", "tablestore.queue", "100"),
        ("tablestore", "ready_timeout = 0", "tablestore.ready_timeout", "greater than 0"),
        ("tablestore", 'instance = "a"', "tablestore.instance", "pattern"),
        ("tablestore", 'instance = "1abc"', "tablestore.instance", "pattern"),
        ("tablestore", 'instance = "a_b"', "tablestore.instance", "pattern"),
        ("tablestore", 'instance = "abc\\n"', "tablestore.instance", "pattern"),
        ("tablestore", 'instance = "a123456789012345x"', "tablestore.instance", "pattern"),
        ("table", "max_versions = 0", "table.max_versions", "1"),
        ("table", "max_versions = 2147483648", "table.max_versions", "2147483647"),
        ("table", "time_to_live = 0", "table", "time_to_live is -1"),
        ("table", "time_to_live = 86399", "table", "86400"),
        ("table", "time_to_live = 2147483648", "table", "time_to_live"),
        ("table", "time_to_live = -2", "table", "time_to_live is -1"),
        ("window", "rows = 0", "window.rows", "1"),
        ("window", "rows = 201", "window.rows", "200"),
        ("window", "bytes = 1023", "window.bytes", "1024"),
        ("window", "bytes = 4194305", "window.bytes", "4194304"),
        ("window", "age = 0", "window.age", "0.01"),
        ("window", "age = 3601", "window.age", "3600"),
        ("window", "shards = 0", "window.shards", "1"),
        ("window", "shards = 1025", "window.shards", "1024"),
        ("recovery", "partitions = 0", "recovery.partitions", "1"),
        ("recovery", "partitions = 257", "recovery.partitions", "256"),
        ("shutdown", "deadline = 0", "shutdown.deadline", "greater than 0"),
        ("errors", 'tolerance = "some"', "errors.tolerance", "'none' or 'all'"),
        ("errors", 'dead_letters = "disk"', "errors.dead_letters", "'kafka' or 'tablestore'"),
        ("format", 'value = "avr"', "format.value", "'json'"),
        ("kafka", 'lost_offset = "none"', "kafka.lost_offset", "'stop', 'earliest' or 'latest'"),
        ("table", 'primary_key_mode = "key"', "table.primary_key_mode", "'record_value'"),
        ("table", "columns = []", "table", "columns lists no column"),
    ],
)
def test_ranges_and_choices(config: Config, section: str, line: str, key: str, bound: str) -> None:
    """A value outside its range or choice is refused with key, bound or choice, and place."""
    toml = KAFKA + (line if section == "kafka" else f"[{section}]\n{line}")
    message = config.refused(toml + "\n")
    assert message.startswith(f"{key}: ")
    assert bound in message
    assert str(config.file) in message


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("kafka", "discovery_interval"),
        ("kafka", "metadata_timeout"),
        ("tablestore", "timeout"),
        ("tablestore", "retry_max"),
        ("tablestore", "ready_timeout"),
        ("shutdown", "deadline"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "inf",
        "1e300",
        "nan",
        "-inf",
    ],
)
def test_times_are_finite(config: Config, section: str, line: str, value: str) -> None:
    """No clock can wait for infinite, undefined or absurd seconds: refused at the start."""
    text = f"{line} = {value}\n"
    message = config.refused(KAFKA + (text if section == "kafka" else f"[{section}]\n{text}"))
    assert f"{section}.{line}" in message


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("window", "rows = true"),
        ("window", "age = true"),
        ("table", "max_versions = true"),
        ("recovery", "partitions = true"),
        ("tablestore", "timeout = true"),
    ],
)
def test_a_boolean_is_no_number(config: Config, section: str, line: str) -> None:
    """`rows = true` is a mistake, not one row."""
    message = config.refused(f"{KAFKA}[{section}]\n{line}\n")
    assert f"{section}.{line.split(maxsplit=1)[0]}" in message


@pytest.mark.parametrize(
    ("kafka", "word"),
    [
        ("", "exactly one of topics and topics_pattern"),
        ("topics = []", "exactly one of topics and topics_pattern"),
        ('topics = ["a"]\ntopics_pattern = "b"', "exactly one of topics and topics_pattern"),
        ('topics = ["a", "b", "a"]', "twice"),
        ('topics = ["a b"]', "'a b'"),
        ('topics = [""]', "not a topic name"),
        ('topics = ["."]', "not a topic name"),
        ('topics = [".."]', "not a topic name"),
        ('topics = ["ä"]', "not a topic name"),
        ('topics = ["a\\n"]', "not a topic name"),
        (f'topics = ["{"a" * 250}"]', "not a topic name"),
        ('topics_pattern = "("', "not a regular expression"),
    ],
)
def test_topics_or_a_pattern(config: Config, kafka: str, word: str) -> None:
    """Exactly one of topics and topics_pattern, with names that Kafka can have."""
    assert word in config.refused(f"[kafka]\n{kafka}\n")


def test_a_pattern_needs_no_list() -> None:
    """topics_pattern alone is enough."""
    assert settings(kafka={"topics_pattern": "a|b"}).kafka.topics == ()


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        ('"2026-01-31T08:00:00Z"', 1769846400000),
        ('"2026-01-31T08:00:00+08:00"', 1769817600000),
        ('"2026-01-31T08:00:00.250Z"', 1769846400250),
        ("2026-01-31T08:00:00Z", 1769846400000),
        ("2026-01-31T09:00:00+01:00", 1769846400000),
        ('"2026-01-31t08:00:00z"', 1769846400000),
        ('"2026-01-31T08:00:00.5Z"', 1769846400500),
        ('"1970-01-01T00:00:00Z"', 0),
    ],
)
def test_start_times(config: Config, given: str, ms: int) -> None:
    """An RFC 3339 time with its zone, as text or as TOML's own, becomes Kafka's milliseconds."""
    assert config.load(f"{KAFKA}start = {given}\n").kafka.start_ms == ms


@pytest.mark.parametrize("given", ["earliest", "latest"])
def test_start_words(config: Config, given: str) -> None:
    """The words earliest and latest are no times."""
    loaded = config.load(f'{KAFKA}start = "{given}"\n').kafka
    assert (loaded.start, loaded.start_ms) == (given, None)


def test_a_group_to_start_at(config: Config) -> None:
    """group:NAME names a group, and no time; partitions without an offset start at the earliest."""
    loaded = config.load(f'{KAFKA}start = "group:connect-a:b"\n').kafka
    assert (loaded.start_group, loaded.start_ms) == ("connect-a:b", None)
    assert loaded.start_without_offset == "earliest"
    assert config.load(f'{KAFKA}start = "latest"\n').kafka.start_group is None


@pytest.mark.parametrize(
    "given",
    [
        '"Earliest"',
        '"2026-01-31"',
        '"2026-01-31T08:00:00"',
        "2026-01-31T08:00:00",
        "2026-01-31",
        '"08:00:00Z"',
        '"2026-02-30T00:00:00Z"',
        '""',
        "5",
        '"1969-12-31T23:59:59.999Z"',
        '"group:"',
        '"group: "',
        '"Group:x"',
    ],
)
def test_other_starts_are_refused(config: Config, given: str) -> None:
    """A time without a zone, a day that is none, or before 1970 is refused, not guessed at."""
    assert config.refused(f"{KAFKA}start = {given}\n").startswith("kafka.start: ")


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from(
            [timezone.utc, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]
        ),
    )
)
def test_any_start_time_is_kept_to_the_millisecond(moment: datetime) -> None:
    """Whatever the zone, start_ms is the moment, within the millisecond that Kafka has."""
    made = settings(kafka={"start": moment.isoformat()}).kafka.start_ms
    assert made is not None
    assert abs(made - moment.timestamp() * 1000) <= 0.5 + 1e-3


@pytest.mark.parametrize(
    "name", ["9a", "a-b", "a b", "", "ä", "a.b", "a" * 256, "a\n", "a\x00", "a;drop", "<topic>"]
)
def test_illegal_names_are_refused_everywhere(name: str) -> None:
    """A name no table or column can have is refused in each place that takes one."""
    key = {"primary_key_mode": "record_key"}
    places: list[dict[str, Any]] = [
        {"mapping": {"topics": {"orders": name}}},
        {"tables": {name: {}}},
        {"table": {"columns": [{"name": name, "type": "string"}]}},
        {"table": {**key, "primary_key": [{"name": name}]}},
        {"tables": {"orders": {**key, "primary_key": [{"name": name}]}}},
    ]
    for sections in places:
        with pytest.raises(ValueError, match=r"1 to 255 of the characters"):
            settings(**sections)


@pytest.mark.parametrize("name", ["a", "_", "_9", "A" * 255, "aB_9"])
def test_legal_names_are_taken_everywhere(name: str) -> None:
    """The shortest, the longest and the oddest legal names work."""
    made = settings(
        mapping={"topics": {"orders": name}},
        tables={name: {"columns": [{"name": name, "type": "string"}]}},
    )
    assert made.rules_of(made.table_of("orders")).columns != "all"


@pytest.mark.parametrize("pattern", ["<topics>", "", "9<topic>", "<topic>-x", "a b", "<topic> "])
def test_a_table_name_that_cannot_be_one(config: Config, pattern: str) -> None:
    """table_name must give legal names, at least for short legal topics."""
    assert "table_name" in config.refused(f'{KAFKA}[mapping]\ntable_name = "{pattern}"\n')


def test_a_topic_without_a_legal_table_is_refused() -> None:
    """A topic whose name is no table name needs a table in [mapping.topics]; the text says so."""
    with pytest.raises(ValueError, match=r"'shop\.v2'.*\[mapping\.topics\]"):
        settings(kafka={"topics": ["shop.v2"]})
    made = settings(kafka={"topics": ["shop.v2"]}, mapping={"topics": {"shop.v2": "shop"}})
    assert made.table_of("shop.v2") == "shop"


def test_topics_win_over_table_name() -> None:
    """[mapping.topics] is looked at first; <topic> may stand anywhere, more than once."""
    made = settings(mapping={"table_name": "a_<topic>_<topic>", "topics": {"x": "y"}})
    assert made.table_of("orders") == "a_orders_orders"
    assert made.table_of("x") == "y"


_KEY = {"primary_key_mode": "record_value"}


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"primary_key": [{"name": "a"}]}, "no meaning"),
        ({"primary_key_mode": "record_key"}, "needs primary_key"),
        ({"primary_key_mode": "record_value", "primary_key": []}, "needs primary_key"),
        ({**_KEY, "primary_key": [{"name": name} for name in "abcde"]}, "at most 4"),
        ({**_KEY, "primary_key": [{"name": "a"}, {"name": "a"}]}, "twice: a"),
        (
            {
                **_KEY,
                "primary_key": [{"name": "a"}],
                "columns": [{"name": "a", "type": "string"}],
            },
            "twice: a",
        ),
        ({"columns": [{"name": "offset", "type": "string"}]}, "twice: offset"),
        ({"columns": [{"name": "b", "type": "string"}] * 2}, "twice: b"),
        ({**_KEY, "primary_key": [{"name": "a", "type": "double"}]}, "string"),
        ({**_KEY, "primary_key": [{"name": "a", "type": "boolean"}]}, "string"),
        (
            {"columns": [{"name": f"c{number}", "type": "string"} for number in range(1025)]},
            "1,024",
        ),
    ],
)
def test_keys_and_columns_that_do_not_fit(table: dict[str, object], word: str) -> None:
    """A key that no table can have, or that clashes with the columns, is refused: also for one."""
    for sections in ({"table": table}, {"tables": {"orders": table}}):
        with pytest.raises(ValueError, match=word):
            settings(**sections)


def test_the_most_columns_and_keys_are_taken() -> None:
    """1,024 columns and 4 key columns are legal."""
    columns = [{"name": f"c{number}", "type": "string"} for number in range(1024)]
    keys = [{"name": name} for name in "abcd"]
    made = settings(table={**_KEY, "primary_key": keys, "columns": columns})
    assert len(made.table.columns) == 1024
    assert [name for name, _ in made.table.key_columns] == [*"abcd"]


def test_a_table_of_its_own_can_go_back_to_kafka_keys() -> None:
    """Mode kafka for one table drops the key columns that it would inherit."""
    made = settings(
        table={**_KEY, "primary_key": [{"name": "a"}]},
        tables={"orders": {"primary_key_mode": "kafka"}},
    )
    assert made.rules_of("orders").key_columns == (
        ("topic_partition", "string"),
        ("offset", "integer"),
    )
    assert made.rules_of("others").key_columns == (("a", "string"),)


def test_lists_of_one_table_replace_those_of_all() -> None:
    """Columns of [tables.NAME] are its whole list, not an addition."""
    made = settings(
        table={"columns": [{"name": "a", "type": "string"}]},
        tables={"orders": {"columns": [{"name": "b", "type": "double"}]}},
    )
    columns = made.rules_of("orders").columns
    assert columns != "all"
    assert [column.name for column in columns] == ["b"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "host",
        "127.0.0.1:8080",
        "ftp://host",
        "https://",
        "https:///path",
        "http://example.com",
        "http://10.0.0.1:80",
        "http://127.0.0.1.example.com",
        "https://host?a=b",
        "https://host#x",
        "https://user:pass@host",
        "https://user@host",
        "https://[::1",
        "",
    ],
)
def test_endpoints_that_are_refused(endpoint: str) -> None:
    """An endpoint is an https URL of host, port and path; http only on this host."""
    with pytest.raises(ValueError, match="tablestore"):
        settings(tablestore={"endpoint": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://:pass@host",
        "https://@host",
        "https://host:99999",
        "https://host:port",
        "https://host\r\nX-Other: 1",
        "https://ho st",
        "https://host/a b",
    ],
)
def test_endpoints_that_cannot_work_are_refused(endpoint: str) -> None:
    """Passwords, ports that are none, blanks and line breaks are found when settings load."""
    with pytest.raises(ValueError, match="tablestore"):
        settings(tablestore={"endpoint": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://demo.cn-hangzhou.ots.aliyuncs.com",
        "https://demo.example:8443/prefix/",
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]:80",
        "HTTPS://Host",
    ],
)
def test_endpoints_that_are_taken(endpoint: str) -> None:
    """Over https anywhere, http on loopback, with or without port and path."""
    assert settings(tablestore={"endpoint": endpoint}).tablestore.endpoint == endpoint


@pytest.mark.parametrize(
    "name",
    [
        "bootstrap.servers",
        "metadata.broker.list",
        "group.id",
        "group.instance.id",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "auto.offset.reset",
        "enable.partition.eof",
    ],
)
@pytest.mark.parametrize("where", ["properties", "secret_properties", "secret_property_files"])
def test_properties_on_which_delivery_rests_are_refused(name: str, where: str) -> None:
    """No way round: not as property, secret or file; the text names the option instead."""
    with pytest.raises(ValueError, match=rf"{name} cannot be set: \w+"):
        settings(kafka={where: {name: "x"}})


def test_a_property_is_given_once() -> None:
    """The same property in two places is refused, since one of them would win silently."""
    for first, second in (
        ("properties", "secret_properties"),
        ("properties", "secret_property_files"),
        ("secret_properties", "secret_property_files"),
    ):
        with pytest.raises(ValueError, match="more than once"):
            settings(kafka={first: {"client.id": "a"}, second: {"client.id": "b"}})


def test_given_values_and_sections_agree() -> None:
    """A section given as its own model is taken as it is."""
    made = settings()
    assert Settings(kafka=made.kafka, window=made.window) == made
