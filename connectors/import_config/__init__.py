"""import-config: the configuration of the Tablestore Sink Connector (Java) as a config.toml.

A key keeps its meaning where that meaning is right. A note says, key by key, what changes; secrets
are named and never written out (docs/migrating.md). What the connector's keys mean is said in its
documentation and its code [connector].
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from connectors.errors import ConfigError
from connectors.import_config import (
    converters,
    kafka_section,
    smt,
    tables,
    tablestore_section,
    timeseries,
)
from connectors.import_config.document import text_of
from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.files import read
from connectors.import_config.properties import ConnectorProperties
from connectors.settings.loading import check_values

__all__ = ["Imported", "UnsupportedConnectorConfig", "convert", "convert_file"]

_HEAD = """\
Made by `tablestore-sync import-config` from a Tablestore Sink Connector's configuration.
Stop the connector before the first run. Options: docs/options.md; the move: docs/migrating.md.
"""


class Imported(NamedTuple):
    """The text of config.toml, and what changes: (key, what and why)."""

    text: str
    notes: list[tuple[str, str]]


def convert_file(
    path: Path, worker: Path | None = None, name: str | None = None, compatible: bool = False
) -> Imported:
    """Read the files and convert them. Raises UnsupportedConnectorConfig."""
    values = read(path)
    if worker is not None:
        values = kafka_section.with_worker(values, read(worker))
    if name is not None:
        values["name"] = name
    return convert(values, compatible)


def convert(values: Mapping[str, str], compatible: bool = False) -> Imported:
    """The keys and values of a connector as a config.toml. Raises UnsupportedConnectorConfig."""
    connector = ConnectorProperties(values)
    kafka_section.check_name(connector)
    _check_class(connector)
    topics, mapping, names = tables.topics_and_tables(connector)
    series = connector.choice("tablestore.mode", ("normal", "timeseries"), "normal") == "timeseries"
    if series:
        rules = timeseries.rules(connector, names)
        if compatible:
            connector.note("--compatible", "has no effect on time series")
    else:
        rules = tables.rules(connector, names, compatible)
    listed = series or all(rule["columns"] != "all" for rule in rules.values())
    deletes = any("row" in rule.get("delete_mode", "none") for rule in rules.values())
    if not series and any(rule["columns"] != "all" for rule in rules.values()):
        _note_exact(connector, names, compatible)
    kafka = kafka_section.kafka(connector, topics)
    document: dict[str, Any] = {
        "kafka": kafka,
        "tablestore": tablestore_section.tablestore(connector),
    }
    document["format"] = converters.formats(connector, compatible, listed)
    document["transforms"] = smt.transforms(connector, deletes)
    document["mapping"] = mapping
    document |= _of_tables(rules)
    document |= tablestore_section.errors(connector, topics, names, kafka["bootstrap_servers"])
    tablestore_section.engine(connector)
    tablestore_section.parser(connector)
    _note_rest(connector, series)
    document = {key: value for key, value in document.items() if value}
    try:
        check_values(document)
    except ConfigError as error:
        raise UnsupportedConnectorConfig(
            f"the result would not be a valid configuration:\n{error}"
        ) from None
    return Imported(text_of(document, _HEAD), connector.notes)


def _check_class(connector: ConnectorProperties) -> None:
    name = connector.text("connector.class").rsplit(".", 1)[-1]
    if name and name not in ("TableStoreSinkConnector", "TableStoreSink"):
        raise UnsupportedConnectorConfig("connector.class: is not the Tablestore Sink Connector's")


def _of_tables(rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Section [table] where all tables have the same rules, else [tables.NAME] for each."""
    alike = [rule for rule in rules.values() if rule == next(iter(rules.values()))]
    return {"table": alike[0]} if len(alike) == len(rules) else {"tables": rules}


def _note_exact(connector: ConnectorProperties, names: list[str], compatible: bool) -> None:
    for table in names:
        key = f"tablestore.{table}.columns.whitelist.type"
        if key in connector:
            kept = (
                ""
                if compatible
                else "; --compatible accepts lossless conversions, such as from text that is a "
                "number"
            )
            connector.note(
                key,
                "values become their column's type without loss, or the record is rejected; the "
                f"connector cut 1.9 to 1 and let large numbers wrap{kept}",
            )


def _note_rest(connector: ConnectorProperties, series: bool) -> None:
    for key in connector.unused():
        connector.use(key)
        if key.startswith("tablestore.timeseries.") and not series:
            connector.note(key, "has an effect only with tablestore.mode=timeseries: not imported")
        elif key == "header.converter":
            connector.note(key, "not imported: a transform that uses a header reads it as text")
        elif key == "topics.regex":
            connector.note(key, "not imported: topics is set")
        else:
            connector.note(key, "is not a key of the connector, which ignored it: not imported")
