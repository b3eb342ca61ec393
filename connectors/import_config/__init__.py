"""import-config: the configuration of the Tablestore Sink Connector (Java) as a config.toml.

What a key meant is kept where that is right; where it changes it is told, key by key, and secrets
are named and never written out (docs/migrating.md).
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
from connectors.import_config.errors import Refused
from connectors.import_config.files import read
from connectors.import_config.properties import Given
from connectors.import_config.toml import Arrays, text_of
from connectors.settings.loading import check_values

__all__ = ["Imported", "Refused", "convert", "convert_file"]

_HEAD = """\
# Made by `tablestore-sync import-config` from a Tablestore Sink Connector's configuration.
# Stop the connector before the first run. Options: docs/options.md; the move: docs/migrating.md.
"""


class Imported(NamedTuple):
    """The text of config.toml, and what changes: (key, what and why)."""

    text: str
    notes: list[tuple[str, str]]


def convert_file(
    path: Path, worker: Path | None = None, name: str | None = None, compatible: bool = False
) -> Imported:
    """Read the files and convert them. Raises Refused."""
    values = read(path)
    if worker is not None:
        values = kafka_section.with_worker(values, read(worker))
    if name is not None:
        values["name"] = name
    return convert(values, compatible)


def convert(values: Mapping[str, str], compatible: bool = False) -> Imported:
    """The keys and values of a connector as a config.toml. Raises Refused."""
    given = Given(values)
    kafka_section.check_name(given)
    _check_class(given)
    topics, mapping, names = tables.topics_and_tables(given)
    series = given.choice("tablestore.mode", ("normal", "timeseries"), "normal") == "timeseries"
    if series:
        rules = timeseries.rules(given, names)
        if compatible:
            given.note("--compatible", "has no effect on time series")
    else:
        rules = tables.rules(given, names, compatible)
    listed = series or all(rule["columns"] != "all" for rule in rules.values())
    deletes = any("row" in rule.get("delete_mode", "none") for rule in rules.values())
    if not series and any(rule["columns"] != "all" for rule in rules.values()):
        _tell_exact(given, names, compatible)
    kafka = kafka_section.kafka(given, topics)
    document: dict[str, Any] = {"kafka": kafka, "tablestore": tablestore_section.tablestore(given)}
    document["format"] = converters.formats(given, compatible, listed)
    document["transforms"] = Arrays(smt.transforms(given, deletes))
    document["mapping"] = mapping
    document |= _of_tables(rules)
    document |= tablestore_section.errors(given, topics, names, kafka["bootstrap_servers"])
    tablestore_section.engine(given)
    tablestore_section.parser(given)
    _tell_rest(given, series)
    document = {key: value for key, value in document.items() if value}
    try:
        check_values(document)
    except ConfigError as error:
        raise Refused(f"what it says cannot be a configuration here:\n{error}") from None
    return Imported(_HEAD + "\n" + text_of(document), given.notes)


def _check_class(given: Given) -> None:
    name = given.text("connector.class").rsplit(".", 1)[-1]
    if name and name not in ("TableStoreSinkConnector", "TableStoreSink"):
        raise Refused("connector.class: is not the Tablestore Sink Connector's")


def _of_tables(rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """[table] where all have the same rules, else each its own [tables.NAME]."""
    alike = [rule for rule in rules.values() if rule == next(iter(rules.values()))]
    return {"table": alike[0]} if len(alike) == len(rules) else {"tables": rules}


def _tell_exact(given: Given, names: list[str], compatible: bool) -> None:
    for table in names:
        key = f"tablestore.{table}.columns.whitelist.type"
        if key in given:
            kept = (
                ""
                if compatible
                else "; --compatible takes what loses nothing, such as text of a number"
            )
            given.note(
                key,
                "values become their column's type without loss, or the record is rejected; the "
                f"connector cut 1.9 to 1 and let large numbers wrap{kept}",
            )


def _tell_rest(given: Given, series: bool) -> None:
    for key in given.unused():
        given.use(key)
        if key.startswith("tablestore.timeseries.") and not series:
            given.note(key, "has no effect but with tablestore.mode=timeseries: not moved")
        elif key == "header.converter":
            given.note(key, "not moved: headers are taken as text where a transform asks for one")
        elif key == "topics.regex":
            given.note(key, "not moved: topics is set")
        else:
            given.note(key, "is no key of the connector, which ignored it: not moved")
