"""[errors] and [dead_letters]: the error policy for records that cannot become rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import Field, SecretStr, model_validator

from connectors.settings.kafka import (
    OAUTH_CALLBACK,
    KafkaSettings,
    Property,
    check_properties,
    with_secrets,
)
from connectors.settings.section import Section
from connectors.settings.tables import Name

# Properties of the consumer that hold for a producer as well [librdkafka]; the others do not.
_CONNECTION = re.compile(
    r"(security|sasl|ssl|https|socket|broker|client|metadata|reconnect|retry|connections|api"
    r"|resolve|plugin)\..*|enable\.(ssl|sasl)\..*|message\.max\.bytes"
)


class DeadLetterDestination(NamedTuple):
    """The properties of one destination."""

    implementation: str
    """Its class as module:name, a dead_letters.destinations.Destination made of (run, writer)."""
    keeps_record: bool
    """Whether it keeps the record's own bytes, so that a replay can read it."""


# By the word in config.toml. What is legal and the destination of a run follow this list.
DEAD_LETTER_DESTINATIONS = {
    "log": DeadLetterDestination(
        "connectors.dead_letters.destinations:LogDestination", keeps_record=False
    ),
    "ignore": DeadLetterDestination(
        "connectors.dead_letters.destinations:DiscardDestination", keeps_record=False
    ),
    "kafka": DeadLetterDestination(
        "connectors.kafka.dead_letter_sink:KafkaDeadLetterSink", keeps_record=True
    ),
    "tablestore": DeadLetterDestination(
        "connectors.tablestore.dead_letter_sink:TableDeadLetterSink", keeps_record=True
    ),
}
if TYPE_CHECKING:
    DestinationName = str
else:
    DestinationName = Literal[tuple(DEAD_LETTER_DESTINATIONS)]


class ErrorSettings(Section):
    """What happens to a record that cannot become a row, or whose row the service rejects."""

    section = "errors"
    former_names: ClassVar[Mapping[str, str]] = {
        "most_rejected": "max_rejected",
        "most_rejected_share": "max_rejected_share",
        "most_rejected_of": "max_rejected_window",
    }

    tolerance: Literal["none", "all"] = Field(
        "none",
        description="none: the run stops at the first, before its offset. all: it continues.",
    )
    dead_letters: DestinationName = Field(
        "log",
        description="Where rejected records go, with tolerance all. log: coordinates and reason to "
        "the log. ignore: they are only counted. kafka, tablestore: the record's own bytes and "
        "the reason to the topic or table of [dead_letters]; a snapshot waits until they are "
        "confirmed.",
    )
    max_rejected: int | None = Field(
        None,
        ge=0,
        description="With tolerance all: stop when a process has rejected more records than this "
        "since its start.",
    )
    max_rejected_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="With tolerance all: stop when more than this share of the last "
        "max_rejected_window records was rejected.",
    )
    max_rejected_window: int = Field(
        10_000,
        ge=1,
        description="Number of records, the last that a process has read, to which "
        "max_rejected_share applies; until it has read that many, the share has no effect.",
    )
    auto_create: bool = Field(
        False, description="Create the dead-letter topic or table when it is missing."
    )
    log_payload: bool = Field(
        False,
        description="With dead_letters log, and in a dry run of a replay: also the record's key "
        "and value, which may be personal data.",
    )

    @property
    def needs_original(self) -> bool:
        """True when a dead letter carries its record's own bytes."""
        if self.tolerance == "none":
            return False
        return self.keeps_records or (self.dead_letters == "log" and self.log_payload)

    @property
    def keeps_records(self) -> bool:
        """True when dead letters go where a replay can read them."""
        return self.destination.keeps_record

    @property
    def destination(self) -> DeadLetterDestination:
        """The properties of the destination that dead_letters names."""
        return DEAD_LETTER_DESTINATIONS[self.dead_letters]


class DeadLetterSettings(Section):
    """The topic and the table of dead letters, with errors.dead_letters kafka or tablestore."""

    topic: str = Field(
        "tablestore-sync-dead-letters",
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        description="Topic for dead letters.",
    )
    partitions: int = Field(
        1,
        ge=1,
        le=10_000,
        description="Partitions of the topic when it is created here (errors.auto_create).",
    )
    bootstrap_servers: str | None = Field(
        None,
        min_length=1,
        description="Brokers of the topic. Those of [kafka] unless set, with the connection and "
        "security properties of [kafka]; when set, only the properties below are used.",
    )
    properties: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="librdkafka producer properties."
    )
    secret_properties: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="librdkafka properties that are secrets; only from the environment.",
    )
    secret_property_files: dict[str, Path] = Field(
        default_factory=dict,
        description="librdkafka properties whose values are read from files.",
    )
    table: Name = Field(
        "dead_letters",
        description="Table for dead letters, with the key columns topic_partition (string) and "
        "offset (integer).",
    )

    @model_validator(mode="after")
    def _check(self) -> DeadLetterSettings:
        if self.topic in (".", ".."):
            raise ValueError("topic: . and .. are not topic names")
        check_properties(
            self.properties, self.secret_properties, self.secret_property_files, _RESERVED
        )
        return self

    def client_properties(self, source: KafkaSettings) -> dict[str, Property]:
        """The properties of the connection, with secrets in clear text: for a client only."""
        own = with_secrets(
            self.properties,
            self.secret_properties,
            self.secret_property_files,
            "dead_letters",
        )
        if self.bootstrap_servers is not None:
            # Another cluster must not receive the secrets of the source's cluster.
            return {"bootstrap.servers": self.bootstrap_servers, **own}
        shared = {
            name: value
            for name, value in source.client_properties().items()
            if name in ("bootstrap.servers", OAUTH_CALLBACK) or _CONNECTION.fullmatch(name)
        }
        return {**shared, **own}


_RESERVED = {
    "bootstrap.servers": "set dead_letters.bootstrap_servers",
    "metadata.broker.list": "set dead_letters.bootstrap_servers",
    "acks": "a dead letter counts only when every replica in sync has it",
    "request.required.acks": "a dead letter counts only when every replica in sync has it",
    "enable.idempotence": "a retry inside the client must not double a dead letter",
    "message.timeout.ms": "a dead letter is retried without end",
    "delivery.timeout.ms": "a dead letter is retried without end",
    "transactional.id": "dead letters are not sent in transactions",
    "message.send.max.retries": "a dead letter is retried without end",
    "retries": "a dead letter is retried without end",
}
