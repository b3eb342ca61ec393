"""What values options of any section may have: ranges, times, booleans."""

import pytest

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


def test_given_values_and_sections_agree() -> None:
    """A section given as its own model is taken as it is."""
    made = settings()
    assert Settings(kafka=made.kafka, window=made.window) == made
