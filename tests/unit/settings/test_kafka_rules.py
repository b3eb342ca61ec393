"""What is legal in [kafka]: topics, where to start, properties of the client."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import settings
from tests.unit.settings.conftest import KAFKA, Config


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
