"""Every option, its default and its rule: config.toml and the environment become these frozen models.

The field descriptions are the reference: docs/options.md is generated from them.
Loading, and the texts of the errors, are in `settings_loading`.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENV_PREFIX = "SYNC__"

KeyType = Literal["string", "integer", "binary"]
ColumnType = Literal["string", "integer", "double", "boolean", "binary"]

# Names of tables and columns, Tablestore limits page: 1 to 255 bytes.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
# Column names the key mode `kafka` gives to its two key columns, as the Java connector does.
KAFKA_KEY = (("topic_partition", "string"), ("offset", "integer"))
# librdkafka properties whose values are secrets: never in config.toml, never shown.
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
# librdkafka properties on which delivery rests; the value says which option governs them instead.
RESERVED_PROPERTIES = {
    "bootstrap.servers": "set kafka.bootstrap_servers",
    "metadata.broker.list": "set kafka.bootstrap_servers",
    "group.id": "set kafka.group",
    "group.instance.id": "partitions are assigned by Bytewax, not by the group",
    "enable.auto.commit": "offsets are committed once their rows are durable",
    "enable.auto.offset.store": "offsets are committed once their rows are durable",
    "auto.offset.reset": "a lost offset always stops the run; kafka.start says where a first run starts",
    "enable.partition.eof": "the source does not use it",
}


def check_name(value: str) -> str:
    """A legal table or column name, or ValueError."""
    if not NAME.fullmatch(value):
        raise ValueError(
            "a name has 1 to 255 of the characters A-Z a-z 0-9 _ and does not start with a digit"
        )
    return value


Name = Annotated[str, BeforeValidator(lambda v: check_name(v) if isinstance(v, str) else v)]


def _start(value: Any) -> Any:
    if isinstance(value, str) and value not in ("earliest", "latest"):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(
                'allowed: "earliest", "latest" or a time with its zone such as 2026-01-31T08:00:00Z'
            ) from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a start time needs its zone, such as 2026-01-31T08:00:00Z")
    return value.isoformat() if isinstance(value, datetime) else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class KafkaSettings(_Model):
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
        "tools show the true lag. The recovery folder stays the truth.",
    )
    start: Annotated[str, BeforeValidator(_start)] = Field(
        "earliest",
        description="Where the first run starts: earliest, latest, or a time with its zone "
        "(RFC 3339). Later runs go on where the last one ended.",
    )
    discovery_interval: float = Field(
        30.0,
        gt=0,
        description="Seconds between two looks for new partitions and topics. When there are any, "
        "the run drains and starts itself again.",
    )
    metadata_timeout: float = Field(
        10.0, gt=0, description="Seconds to wait for an answer to a metadata request."
    )
    chunk_messages: int = Field(
        2000, ge=1, le=100_000, description="Most messages taken from a partition at a time."
    )
    prefetch_mib: float = Field(
        64, gt=0, le=2047, description="MiB of messages that a process fetches ahead, at most."
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
                    f"topics: {topic!r} is no topic name (1 to 249 of A-Z a-z 0-9 . _ -)"
                )
        if self.topics_pattern is not None:
            try:
                re.compile(self.topics_pattern)
            except re.error as error:
                raise ValueError(f"topics_pattern is no regular expression: {error}") from None
        given = [*self.properties, *self.secret_properties, *self.secret_property_files]
        for name in given:
            if name in RESERVED_PROPERTIES:
                raise ValueError(f"property {name} cannot be set: {RESERVED_PROPERTIES[name]}")
        for name in self.properties:
            if name in SECRET_PROPERTIES:
                raise ValueError(
                    f"property {name} is a secret: set it in secret_properties by the environment, "
                    "or name a file in secret_property_files"
                )
        if len(set(given)) != len(given):
            raise ValueError("a property is given in more than one place")
        return self

    @property
    def start_ms(self) -> int | None:
        """The start time in ms since 1970, or None for earliest and latest."""
        if self.start in ("earliest", "latest"):
            return None
        return round(datetime.fromisoformat(self.start).timestamp() * 1000)

    def client_properties(self) -> dict[str, str | int | float | bool]:
        """librdkafka's configuration of the connection, secrets in clear: hand it to a client only."""
        secrets = {name: value.get_secret_value() for name, value in self.secret_properties.items()}
        files = {
            name: path.read_text("utf-8").strip()
            for name, path in self.secret_property_files.items()
        }
        return {
            "bootstrap.servers": self.bootstrap_servers,
            **self.properties,
            **secrets,
            **files,
        }


class TablestoreSettings(_Model):
    """Where rows go. Credentials come from the environment or from files, never from config.toml."""

    endpoint: str = Field("http://127.0.0.1:18087", description="URL of the instance.")
    instance: str = Field(
        "demo", pattern=r"^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$", description="Instance name."
    )
    region: str = Field(
        "", description="Region such as cn-hangzhou. When set, requests are signed with V4."
    )
    access_key_id_file: Path | None = Field(
        None, description="File with the access key id, instead of ALIBABA_CLOUD_ACCESS_KEY_ID."
    )
    access_key_secret_file: Path | None = Field(
        None, description="File with the secret, instead of ALIBABA_CLOUD_ACCESS_KEY_SECRET."
    )
    security_token_file: Path | None = Field(
        None,
        description="File with the STS token, instead of ALIBABA_CLOUD_SECURITY_TOKEN. "
        "The three files are read again when they change, so that keys can rotate.",
    )
    timeout: float = Field(30.0, gt=0, description="Seconds to wait for an answer.")
    retry_initial: float = Field(0.05, gt=0, description="Seconds before the first retry.")
    retry_max: float = Field(
        5.0, gt=0, description="Most seconds between two retries. There is no last retry."
    )
    queue: int = Field(
        2, ge=1, le=100, description="Batches a shard holds ready behind the one in flight."
    )
    ready_timeout: float = Field(
        60.0, gt=0, description="Seconds that a table made by this run may take to become usable."
    )

    @model_validator(mode="after")
    def _check(self) -> TablestoreSettings:
        url = urlsplit(self.endpoint)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("endpoint is a URL such as https://INSTANCE.REGION.ots.aliyuncs.com")
        if url.query or url.fragment or url.username:
            raise ValueError("endpoint holds more than scheme, host, port and path")
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("endpoint must be https, but on this host (127.0.0.1 or localhost)")
        return self


class FormatSettings(_Model):
    """How bytes become values."""

    value: Literal["json"] = Field("json", description="Format of record values.")
    key: Literal["json"] = Field(
        "json", description="Format of record keys; read only where a key mode needs them."
    )


class MappingSettings(_Model):
    """Which table a topic goes to."""

    table_name: str = Field(
        "<topic>", description="Table name; <topic> stands for the name of the topic."
    )
    topics: dict[str, Name] = Field(
        default_factory=dict, description="Tables of single topics; wins over table_name."
    )

    @model_validator(mode="after")
    def _check(self) -> MappingSettings:
        if not NAME.fullmatch(self.table_name.replace("<topic>", "t")):
            raise ValueError(f"table_name {self.table_name!r} cannot give legal table names")
        return self


class KeyColumn(_Model):
    """A primary key column."""

    name: Name
    type: KeyType = "string"


class Column(_Model):
    """An attribute column of the whitelist."""

    name: Name
    type: ColumnType


class TableSettings(_Model):
    """The rules of a table: [table] holds for all, [tables.NAME] overrides it for one."""

    primary_key_mode: Literal["kafka", "record_key", "record_value"] = Field(
        "kafka",
        description="kafka: topic_partition (string) and offset (integer). record_key, "
        "record_value: the fields of primary_key, from the record's key or value.",
    )
    primary_key: tuple[KeyColumn, ...] = Field(
        (),
        max_length=4,
        description="1 to 4 key columns in the table's order: {name, type}, with type string, "
        "integer or binary (text that is base64).",
    )
    columns: Literal["all"] | tuple[Column, ...] = Field(
        "all",
        description="all, or the list of columns to write: {name, type}, with type string, "
        "integer, double, boolean or binary (text that is base64).",
    )
    insert_mode: Literal["put"] = Field(
        "put", description="put: the record replaces the row of its key."
    )
    auto_create: bool = Field(False, description="Create the table when it is missing.")
    time_to_live: int = Field(
        -1, description="Seconds that data lives in a table made here: -1 (for ever) or 86400 up."
    )
    max_versions: int = Field(
        1, ge=1, le=2**31 - 1, description="Versions a cell in a table made here."
    )

    @model_validator(mode="after")
    def _check(self) -> TableSettings:
        if self.primary_key_mode == "kafka" and self.primary_key:
            raise ValueError("primary_key has no meaning with primary_key_mode kafka: remove it")
        if self.primary_key_mode != "kafka" and not self.primary_key:
            raise ValueError(f"primary_key_mode {self.primary_key_mode} needs primary_key")
        names = [name for name, _ in self.key_columns]
        if self.columns != "all":
            if not self.columns:
                raise ValueError('columns lists no column: name at least one, or set "all"')
            if len(self.columns) > 1024:
                raise ValueError("columns lists more than the 1,024 columns that a row can have")
            names += [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"primary_key and columns name twice: {', '.join(twice)}")
        if self.time_to_live != -1 and not 86_400 <= self.time_to_live < 2**31:
            raise ValueError("time_to_live is -1 (for ever) or at least 86400 seconds")
        return self

    @property
    def key_columns(self) -> tuple[tuple[str, str], ...]:
        """The key's columns as (name, type), in the table's order."""
        if self.primary_key_mode == "kafka":
            return KAFKA_KEY
        return tuple((column.name, column.type) for column in self.primary_key)


class WindowSettings(_Model):
    """How rows are gathered into requests: a window closes on what comes first."""

    rows: int = Field(200, ge=1, le=200, description="Most rows a request (the service's limit).")
    bytes: int = Field(
        4_000_000, ge=1024, le=4_194_304, description="Most bytes of rows a request."
    )
    age: float = Field(1.0, ge=0.01, le=3600, description="Seconds that a row waits at most.")
    shards: int = Field(
        64,
        ge=1,
        le=1024,
        description="Lanes by primary key. Each has one request in flight. "
        "Fixed for the life of a recovery folder.",
    )


class ErrorSettings(_Model):
    """What happens to a record that cannot become a row, or whose row the service refuses."""

    tolerance: Literal["none", "all"] = Field(
        "none",
        description="none: the run stops at the first, before its offset. all: the run goes on.",
    )
    dead_letters: Literal["log", "ignore"] = Field(
        "log",
        description="With tolerance all. log: coordinates and reason to the log. ignore: counted.",
    )


class RecoverySettings(_Model):
    """The recovery folder, named by -r on the command line."""

    required: bool = Field(
        True,
        description="Refuse to run without a recovery folder: each start would read from "
        "kafka.start again.",
    )
    partitions: int = Field(
        8, ge=1, le=256, description="Files of a new folder; as many workers can share it."
    )


class ShutdownSettings(_Model):
    """How a run ends on SIGTERM and SIGINT."""

    deadline: float = Field(
        30.0,
        gt=0,
        description="Seconds to write what was read. After that the run ends with exit code 1; "
        "the next one goes on from the last snapshot.",
    )


def merge_table(base: Any, override: Any) -> Any:
    """The settings of [tables.NAME] on top of [table], as plain values before validation."""
    if not isinstance(base, dict) or not isinstance(override, dict):
        return override
    merged = {**base, **override}
    if override.get("primary_key_mode") == "kafka" and "primary_key" not in override:
        merged.pop("primary_key", None)
    return merged


class Settings(BaseSettings):
    """All of it. The environment wins over the values given: SYNC__KAFKA__GROUP sets kafka.group."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        # A wrong value may be a secret in the wrong place.
        hide_input_in_errors=True,
    )

    kafka: KafkaSettings
    tablestore: TablestoreSettings = TablestoreSettings()
    format: FormatSettings = FormatSettings()
    mapping: MappingSettings = MappingSettings()
    table: TableSettings = TableSettings()
    tables: dict[Name, TableSettings] = Field(default_factory=dict)
    window: WindowSettings = WindowSettings()
    errors: ErrorSettings = ErrorSettings()
    recovery: RecoverySettings = RecoverySettings()
    shutdown: ShutdownSettings = ShutdownSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the constructor was given."""
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _merge(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("tables"), dict):
            base = values.get("table", {})
            tables = {name: merge_table(base, table) for name, table in values["tables"].items()}
            return {**values, "tables": tables}
        return values

    @model_validator(mode="after")
    def _check(self) -> Settings:
        for topic in self.kafka.topics:
            name = self.table_of(topic)
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"topic {topic!r} would go to table {name!r}, which is no table name: "
                    "give it a table in [mapping.topics]"
                )
        return self

    def table_of(self, topic: str) -> str:
        """The table to which a topic goes; perhaps an illegal name when a pattern found the topic."""
        mapped = self.mapping.topics.get(topic)
        return self.mapping.table_name.replace("<topic>", topic) if mapped is None else mapped

    def rules_of(self, table: str) -> TableSettings:
        """The rules of a table."""
        return self.tables.get(table, self.table)
