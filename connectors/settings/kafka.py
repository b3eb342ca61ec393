"""[kafka]: where records come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from connectors.errors import StopRun
from connectors.settings.oauth import oauth_callback
from connectors.settings.section import Section
from connectors.settings.user_functions import is_function_name

Property = str | int | float | bool | Callable[[str], object]
# The client's property for a function that returns tokens.
OAUTH_CALLBACK = "oauth_cb"
_MECHANISMS = ("sasl.mechanism", "sasl.mechanisms")

# librdkafka properties [librdkafka] whose values are secrets: never in config.toml, never shown.
SECRET_PROPERTIES = frozenset(
    {
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.password",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.oauthbearer.config",
    }
)
# librdkafka properties that delivery depends on, and what to set instead.
RESERVED_PROPERTIES = {
    "bootstrap.servers": "set kafka.bootstrap_servers",
    "metadata.broker.list": "set kafka.bootstrap_servers",
    "group.id": "set kafka.group",
    "group.instance.id": "partitions are assigned by Bytewax, not by the group",
    "enable.auto.commit": "offsets are committed once their rows are durable",
    "enable.auto.offset.store": "offsets are committed once their rows are durable",
    "auto.offset.reset": "set kafka.lost_offset, and kafka.start for the first run",
    "enable.partition.eof": "the source does not use it",
    "oauth_cb": "set kafka.oauth_function",
}


# A time as in section 5.6 of [rfc3339]; fractions are cut to microseconds.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_START = (
    'allowed: "earliest", "latest", "group:NAME" or a time with its zone such as '
    "2026-01-31T08:00:00Z"
)
_ANY_TIME = "allowed: a time since 1970 with its zone such as 2026-01-31T08:00:00Z"
_OF_GROUP = "group:"


def _start(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_OF_GROUP):
        if not value[len(_OF_GROUP) :].strip():
            raise ValueError("group: names no consumer group, such as group:connect-orders")
        return value
    if isinstance(value, str) and value not in ("earliest", "latest"):
        found = _TIME.fullmatch(value)
        if found is None:
            raise ValueError(_START)
        day, time, fraction, zone = found.groups()
        zone = "+00:00" if zone in "Zz" else zone
        try:
            value = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone}")
        except ValueError:
            raise ValueError(_START) from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(_START)
        if value.timestamp() < 0:
            raise ValueError("a time before 1970 is not a Kafka timestamp; set earliest")
        return value.isoformat()
    return value


def check_time(value: Any) -> Any:
    """Check a time with its zone, and return it in ISO 8601; None stays. Raises ValueError."""
    if value in ("earliest", "latest") or str(value).startswith(_OF_GROUP):
        raise ValueError(_ANY_TIME)
    try:
        return _start(value)
    except ValueError:  # its text names words that only kafka.start allows
        raise ValueError(_ANY_TIME) from None


def milliseconds(moment: str) -> int:
    """Milliseconds since 1970 of a checked time."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _secret_of(name: str, path: Path, section: str) -> str:
    try:
        return path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StopRun(
            f"{section}.secret_property_files: cannot read {path} for {name}: "
            f"{type(error).__name__}\n  remedy: correct the path or its permissions"
        ) from None


def check_properties(
    plain: Mapping[str, object],
    secret: Mapping[str, object],
    files: Mapping[str, object],
    reserved: Mapping[str, str],
) -> None:
    """Raise ValueError for a reserved property, a secret in clear, or one that is set twice."""
    given = [*plain, *secret, *files]
    for name in given:
        if name in reserved:
            raise ValueError(f"property {name} cannot be set: {reserved[name]}")
    for name in plain:
        if name in SECRET_PROPERTIES:
            raise ValueError(
                f"property {name} is a secret: set it in secret_properties by the environment, "
                "or name a file in secret_property_files"
            )
    if len(set(given)) != len(given):
        raise ValueError("a property is set more than once")


def with_secrets(
    plain: Mapping[str, Property],
    secret: Mapping[str, SecretStr],
    files: Mapping[str, Path],
    section: str,
) -> dict[str, Property]:
    """All properties of a section, with secrets in clear text.

    Raises StopRun for an unreadable file.
    """
    return {
        **plain,
        **{name: value.get_secret_value() for name, value in secret.items()},
        **{name: _secret_of(name, path, section) for name, path in files.items()},
    }


class KafkaSettings(Section):
    """Where records come from."""

    bootstrap_servers: str = Field(
        "127.0.0.1:9092", min_length=1, description="Brokers, as host:port, separated by commas."
    )
    topics: tuple[str, ...] = Field((), description="Topics to read, by name.")
    topics_pattern: str | None = Field(
        None,
        description="Topics to read, by a regular expression that matches the whole name. "
        "Exactly one of topics and topics_pattern is set.",
    )
    group: str = Field(
        "tablestore-sync",
        min_length=1,
        description="Consumer group to which durable offsets are committed, so that Kafka's own "
        "tools show the true lag. Runs resume from the recovery folder, not from them.",
    )
    start: Annotated[str, BeforeValidator(_start)] = Field(
        "earliest",
        description="Where the first run starts: earliest, latest, a time with its zone "
        "(RFC 3339), or group:NAME, the offsets that this consumer group has committed (of a "
        "connector: connect-NAME). Later runs go on where the last one ended.",
    )
    start_without_offset: Literal["earliest", "latest", "stop"] = Field(
        "earliest",
        description="With start group:NAME, where a partition starts in which that group has no "
        "committed offset; stop: the run does not start.",
    )
    lost_offset: Literal["stop", "earliest", "latest"] = Field(
        "stop",
        description="What to do when the offset to go on at is not on the brokers any more: stop "
        "the run, or go on at the earliest or latest record there is.",
    )
    topic_without_table: Literal["wait", "stop"] = Field(
        "wait",
        description="With topics_pattern, what a topic does whose table does not exist and is not "
        "to be created, or whose table has an illegal name. wait: it is not read until the table "
        "is there, and the others go on. stop: its first record stops the run, or is rejected for "
        "the name. Where records may name tables of mapping.route_tables, no topic waits.",
    )
    unreadable_batch: Literal["stop", "skip"] = Field(
        "stop",
        description="What to do with a batch of records whose bytes are damaged, or that unpacks "
        "to more than receive.message.max.bytes: stop the run, or skip it with one dead letter "
        "that names its offsets.",
    )
    stalled_after: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds without a record after which a partition is checked for a stall: the "
        "brokers have more records, and the client reads none.",
    )
    discovery_interval: float = Field(
        30.0,
        gt=0,
        le=86_400,
        description="Seconds between two checks for new partitions and topics. When there are any, "
        "the run drains and starts itself again.",
    )
    metadata_timeout: float = Field(
        10.0, gt=0, le=3600, description="Seconds to wait for an answer to a metadata request."
    )
    chunk_messages: int = Field(
        2000, ge=1, le=100_000, description="Messages taken from a partition at a time, at most."
    )
    prefetch_mib: float = Field(
        64,
        gt=0,
        le=2047,
        description="MiB of messages, unpacked, that a process fetches ahead, all partitions "
        "together. One answer of each broker, of 1 MiB as it is packed, comes on top.",
    )
    oauth_function: str | None = Field(
        None,
        description="A function of yours as package.module:function that gives tokens for "
        "sasl.mechanism OAUTHBEARER: it takes the property sasl.oauthbearer.config (a text) and "
        "returns (token, when it expires in seconds since 1970), perhaps with a principal and a "
        "table of extensions after them. It is called again before that time.",
    )
    properties: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="Any librdkafka client property, such as security.protocol. "
        "Secrets go to secret_properties.",
    )
    secret_properties: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="librdkafka properties that are secrets, such as sasl.password; "
        "only from the environment.",
    )
    secret_property_files: dict[str, Path] = Field(
        default_factory=dict,
        description="librdkafka properties whose values are read from files.",
    )

    @model_validator(mode="after")
    def _check(self) -> KafkaSettings:
        if bool(self.topics) == (self.topics_pattern is not None):
            raise ValueError("set exactly one of topics and topics_pattern")
        if len(set(self.topics)) != len(self.topics):
            raise ValueError("topics names a topic twice")
        for topic in self.topics:
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic) or topic in (".", ".."):
                raise ValueError(
                    f"topics: {topic!r} is not a topic name (1 to 249 of A-Z a-z 0-9 . _ -)"
                )
        if self.topics_pattern is not None:
            try:
                re.compile(self.topics_pattern)
            except re.error as error:
                raise ValueError(f"topics_pattern is not a regular expression: {error}") from None
        check_properties(
            self.properties,
            self.secret_properties,
            self.secret_property_files,
            RESERVED_PROPERTIES,
        )
        if self.oauth_function is not None:
            if not is_function_name(self.oauth_function):
                raise ValueError("oauth_function is not a function as package.module:function")
            mechanism = {self.properties.get(name) for name in _MECHANISMS}
            if "OAUTHBEARER" not in mechanism:
                raise ValueError(
                    'oauth_function needs "sasl.mechanism" = "OAUTHBEARER" in kafka.properties'
                )
        return self

    @property
    def start_ms(self) -> int | None:
        """The start time in ms since 1970, or None for the other starts."""
        if self.start in ("earliest", "latest") or self.start_group is not None:
            return None
        return milliseconds(self.start)

    @property
    def start_group(self) -> str | None:
        """The group at whose committed offsets the first run starts, or None."""
        found = self.start.startswith(_OF_GROUP)
        return self.start[len(_OF_GROUP) :].strip() if found else None

    def client_properties(self) -> dict[str, Property]:
        """The properties of the connection, with secrets in clear text: for a client only."""
        given = with_secrets(
            self.properties, self.secret_properties, self.secret_property_files, "kafka"
        )
        made = {"bootstrap.servers": self.bootstrap_servers, **given}
        if self.oauth_function is not None:
            made[OAUTH_CALLBACK] = oauth_callback(self.oauth_function)
        return made
