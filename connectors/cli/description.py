"""What a configuration does, as lines for people."""

from __future__ import annotations

from connectors.settings import Settings
from connectors.settings.hot_keys import hot_key_warning


def describe(settings: Settings) -> list[str]:
    """What a configuration does, a line for each topic, and what in it has no effect."""
    kafka, errors = settings.kafka, settings.errors
    lines = [f"from Kafka {kafka.bootstrap_servers}, group {kafka.group}, start {kafka.start}"]
    mapping = settings.mapping
    if not mapping.routes_all:
        lines += [
            f"  topic {topic} -> {_describe_table(settings, settings.table_of(topic))}"
            for topic in kafka.topics
        ]
    if mapping.route_field is not None or mapping.route_header is not None:
        field = f"field {mapping.route_field}" if mapping.route_field is not None else None
        route = field or f"header {mapping.route_header}"
        missing = "its topic's table" if mapping.route_missing == "topic" else "a rejection"
        lines.append(f"  the {route} names the record's table; without it: {missing}")
    lines += [f"  route to {_describe_table(settings, name)}" for name in mapping.route_tables]
    if kafka.topics_pattern is not None:
        lines.append(f"  topics that match {kafka.topics_pattern} -> {settings.mapping.table_name}")
    lines.append(f"to Tablestore {settings.tablestore.endpoint} {settings.tablestore.instance}")
    rejected = "the run stops" if errors.tolerance == "none" else errors.dead_letters
    lines.append(f"rejected records: {rejected}")
    lines += [f"no effect: {name}" for name in settings.without_effect()]
    return [*lines, *_warnings(settings)]


def _warnings(settings: Settings) -> list[str]:
    """Tables whose rows may gather at one partition, those with the same cause in one line."""
    tables = {name: settings.rules_of(name) for name in settings.known_tables()}
    if settings.kafka.topics_pattern is not None and not settings.mapping.routes_all:
        tables[settings.mapping.table_name] = settings.table
    causes: dict[str, list[str]] = {}
    for name, rules in tables.items():
        cause = hot_key_warning(rules)
        if cause is not None:
            causes.setdefault(cause, []).append(name)
    return [f"warning: {', '.join(names)}: {cause}" for cause, names in causes.items()]


def _describe_table(settings: Settings, table: str) -> str:
    rules = settings.rules_of(table)
    if rules.mode == "timeseries":
        return f"time series table {table}"
    key = ", ".join(f"{name} {column_type}" for name, column_type in rules.key_columns)
    note = ""
    if rules.generates_keys:
        note = "; a record that is read again, after a crash or by a replay, makes a new row"
    return f"table {table}, primary key ({key}){note}"
