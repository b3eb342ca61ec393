"""All options with their defaults and rules, as frozen models of config.toml and the environment.

docs/options.md is generated from the descriptions of the fields. `connectors.settings.loading`
reads the file and writes the texts of errors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.settings.backfill import BackfillSettings
from connectors.settings.errors import DeadLetterSettings, ErrorSettings
from connectors.settings.formats import FormatSettings
from connectors.settings.http import HttpSettings
from connectors.settings.kafka import KafkaSettings
from connectors.settings.mapping import MappingSettings
from connectors.settings.operation import LogSettings, SupervisorSettings
from connectors.settings.replay import ReplaySettings
from connectors.settings.tables import (
    NAME,
    Name,
    TableSettings,
    merge_table,
)
from connectors.settings.tablestore_limits import MAX_TIMESERIES_TABLE_NAME
from connectors.settings.transforms import Debezium, Explode, Transform
from connectors.settings.writing import (
    RecoverySettings,
    ShutdownSettings,
    TablestoreSettings,
    WindowSettings,
)

ENV_PREFIX = "SYNC__"

__all__ = [
    "ENV_PREFIX",
    "NAME",
    "DeadLetterSettings",
    "ErrorSettings",
    "KafkaSettings",
    "Settings",
    "TableSettings",
    "TablestoreSettings",
    "WindowSettings",
]


class Settings(BaseSettings):
    """All sections. The environment wins over given values: SYNC__KAFKA__GROUP sets kafka.group.

    The constructor raises pydantic's ValidationError.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        # A wrong value may be a secret under the wrong key.
        hide_input_in_errors=True,
    )

    kafka: KafkaSettings
    tablestore: TablestoreSettings = TablestoreSettings()
    format: FormatSettings = FormatSettings()
    transforms: tuple[Transform, ...] = Field(
        (), description="What happens to a record before it is mapped, in this order."
    )
    mapping: MappingSettings = MappingSettings()
    table: TableSettings = TableSettings()
    tables: dict[Name, TableSettings] = Field(default_factory=dict)
    window: WindowSettings = WindowSettings()
    errors: ErrorSettings = ErrorSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    replay: ReplaySettings = ReplaySettings()
    backfill: BackfillSettings = BackfillSettings()
    recovery: RecoverySettings = RecoverySettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    supervisor: SupervisorSettings = SupervisorSettings()
    log: LogSettings = LogSettings()
    http: HttpSettings = HttpSettings()

    # The key columns of positions, by table, and of tables that a pattern's topics go to.
    _index_columns: dict[str, tuple[str, ...]] = {}
    _index_columns_found: tuple[str, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
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
        for topic in () if self.mapping.routes_all else self.kafka.topics:
            name = self.table_of(topic)
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"topic {topic!r} would go to table {name!r}, which is not a table name: "
                    "give it a table in [mapping.topics], or change the rules of [mapping]"
                )
        for name in self.known_tables():
            if self.rules_of(name).mode == "timeseries" and (len(name) > MAX_TIMESERIES_TABLE_NAME):
                raise ValueError(
                    f"table {name!r}: the name of a time series table has at most "
                    f"{MAX_TIMESERIES_TABLE_NAME} characters"
                )
        self._check_dead_letters()
        self._check_replay()
        self._check_deletes()
        self._check_explode()
        self._check_partial()
        return self

    def _check_deletes(self) -> None:
        """Check that a transform reports deletes where no tombstone does."""
        if any(transform.reports_deletes for transform in self.transforms):
            return
        for name, rules in {"table": self.table, **self._named()}.items():
            if rules.delete_mode != "none" and rules.key_mode.key_from != "key":
                raise ValueError(
                    f"{name}: delete_mode {rules.delete_mode} needs primary_key_mode record_key, "
                    "or a transform of type debezium, delete_when or function that reports deletes"
                )

    def _check_explode(self) -> None:
        """Check that the rows of one exploded record have different keys."""
        exploding = {at: one for at, one in enumerate(self.transforms) if isinstance(one, Explode)}
        by_index = [one for one in exploding.values() if one.key == "index"]
        if self.kafka.topics_pattern is not None:
            # Any topic that it finds may be exploded.
            self._index_columns_found = (*dict.fromkeys(one.index for one in by_index),)
        else:
            reached: dict[str, dict[str, None]] = {}
            for one in by_index:
                for table in self._tables_of(one):
                    reached.setdefault(table, {})[one.index] = None
            self._index_columns = {table: (*names,) for table, names in reached.items()}
        for at, transform in exploding.items():
            for table, rules in self._rules_for(transform).items():
                reason = transform.problem(rules)
                if reason is not None:
                    raise ValueError(f"transforms.{at}: {table}: {reason}")

    def _rules_for(self, transform: Explode) -> dict[str, TableSettings]:
        """The rules of the tables that get records of the transform, by what texts call them."""
        known = {f"table {name}": self.rules_of(name) for name in self._tables_of(transform)}
        if self.kafka.topics_pattern is None or transform.key != "index":
            return known
        named = {"[table]": self.table} if not self.mapping.routes_all else {}
        rules = {**named, **{f"table {name}": self.rules_of(name) for name in self.tables}}
        names = self._index_columns_found
        wide = {name: one.with_index_columns(names) for name, one in rules.items()}
        return known | {name: one for name, one in wide.items() if one.index_columns}

    def _check_partial(self) -> None:
        """Check that partial changes are not routed to a wrong table: they may lack the field."""
        mapping = self.mapping
        if mapping.route_field is None or mapping.route_missing == "reject":
            return
        if any(isinstance(one, Debezium) and one.partial == "pass" for one in self.transforms):
            raise ValueError(
                'debezium: partial = "pass" passes updates that may lack mapping.route_field: set '
                'mapping.route_missing = "reject"'
            )

    def _tables_of(self, transform: Explode) -> list[str]:
        """The known tables that receive records of a transform."""
        topics = () if self.mapping.routes_all else self.kafka.topics
        meant = [t for t in topics if re.fullmatch(transform.topics or "(?s:.*)", t)]
        return [*dict.fromkeys([*map(self.table_of, meant), *self.mapping.route_tables])]

    def _named(self) -> dict[str, TableSettings]:
        return {f"tables.{name}": rules for name, rules in self.tables.items()}

    def _check_replay(self) -> None:
        """Check that every table that a replay may write supports only_missing."""
        if not self.replay.only_missing:
            return
        topics = self.replay.topics or self.kafka.topics
        of_topics = {self.table_of(topic) for topic in topics} or {*self.tables}
        tables = {*self.mapping.route_tables, *([] if self.mapping.routes_all else of_topics)}
        without: dict[str, list[str]] = {}
        for name in sorted(tables):
            reason = _no_condition(self.rules_of(name))
            if reason is not None:
                without.setdefault(reason, []).append(name)
        for reason, names in without.items():
            raise ValueError(
                f"replay.only_missing: {', '.join(names)}: {reason}; name the other topics in "
                "replay.topics"
            )

    def _check_dead_letters(self) -> None:
        """Check that the flow does not read its own dead letters."""
        where = self.errors.dead_letters
        topic, pattern = self.dead_letters.topic, self.kafka.topics_pattern
        if where == "kafka" and self.dead_letters.bootstrap_servers is None:
            read = pattern is not None and re.fullmatch(pattern, topic)
            if read or topic in self.kafka.topics:
                raise ValueError(
                    f"dead_letters.topic {topic!r} is read by this flow too: it would "
                    "read its own dead letters for ever"
                )
        if where == "tablestore" and self.dead_letters.table in self.known_tables():
            raise ValueError(
                f"dead_letters.table {self.dead_letters.table!r} is the table of a topic, or on "
                "mapping.route_tables, as well"
            )
        if self.replay.target == "topic" and self.replay.only_missing:
            raise ValueError(
                "replay.only_missing looks at tables: it has no meaning with replay.target topic"
            )

    def table_of(self, topic: str) -> str:
        """The table of a topic. Its name may be illegal when a pattern found the topic."""
        return self.mapping.table_of(topic)

    def known_tables(self) -> list[str]:
        """The tables of the configured topics and of routes, each once, in their order."""
        mapping = self.mapping
        topics = () if mapping.routes_all else self.kafka.topics
        # The topics of a pattern are not known, but these tables are named for them.
        named = mapping.topics.values() if self.kafka.topics_pattern is not None else ()
        return [*dict.fromkeys([*map(self.table_of, topics), *named, *mapping.route_tables])]

    @property
    def replays_table(self) -> bool:
        """Whether a replay reads the dead-letter table, and not the topic."""
        if self.replay.source is None:
            return self.errors.dead_letters == "tablestore"
        return self.replay.source == "table"

    def replaced_by_replay(self, topics: Sequence[str]) -> list[str]:
        """The tables of these topics in which a replayed row may replace a newer one.

        Not those whose key is the record's coordinates in Kafka, or in which versions decide.
        """
        return self.tables_replaced(self.replay.topics or topics)

    def tables_replaced(self, topics: Sequence[str]) -> list[str]:
        """The tables of topics in which a row that is written again replaces a newer one."""
        tables = {*self.mapping.route_tables}
        if not self.mapping.routes_all:
            tables |= {self.table_of(topic) for topic in topics}
        if not tables:  # a pattern finds the topics
            tables = {self.mapping.table_name}
        return sorted(table for table in tables if _replaces(self.rules_of(table)))

    def without_effect(self) -> list[str]:
        """Keys of [tables] and [mapping.topics] to which no topic leads: probably misspelt.

        Names in the environment are lower-cased, so a table `Orders` must be set there by JSON.
        """
        if self.kafka.topics_pattern is not None:
            return []
        tables = {*self.known_tables()}
        return [f"tables.{name}" for name in sorted({*self.tables} - tables)] + [
            f"mapping.topics.{name}"
            for name in sorted({*self.mapping.topics} - {*self.kafka.topics})
        ]

    def rules_of(self, table: str) -> TableSettings:
        """The settings of a table, by its name."""
        rules = self.tables.get(table, self.table)
        names = self._index_columns.get(table, self._index_columns_found)
        return rules.with_index_columns(names) if names else rules

    @property
    def has_index_columns(self) -> bool:
        """Whether positions of exploded records may be key columns beside their coordinates."""
        return bool(self._index_columns or self._index_columns_found)


def _no_condition(rules: TableSettings) -> str | None:
    """Why a table does not support only_missing; None if it does."""
    if rules.mode == "timeseries":
        return "points of time series are written without a condition"
    if rules.generates_keys:
        return "with an auto_increment key each replay makes a new row"
    if rules.version != "none":
        return "versions decide in it, so a replay never replaces newer values"
    if rules.insert_mode == "update":
        return "an update is meaningless where no row may exist"
    return None


def _replaces(rules: TableSettings) -> bool:
    """Whether an older row of a key that is written late replaces a newer one."""
    return (
        rules.mode == "wide_column"
        and rules.key_mode.key_from in ("key", "value")
        and rules.version == "none"
        and not rules.generates_keys
    )
