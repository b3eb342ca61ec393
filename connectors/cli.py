"""`tablestore-sync`: the flows by name, with their most used settings as options.

Each option sets what config.toml or the environment could set as well; everything else comes from
there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from connectors import import_config
from connectors.control.protocol import CommandError
from connectors.errors import ConfigError, StopRun
from connectors.kafka.property_check import check_client_properties
from connectors.operator_commands import add_commands
from connectors.run.skip import skip
from connectors.settings import ENV_PREFIX, Settings
from connectors.settings.hot_keys import hot_key_warning
from connectors.settings.loading import CONFIG_VARIABLE, load
from connectors.supervisor import service
from connectors.supervisor.plan import RunPlan, parse_hosts

Command = Callable[[argparse.Namespace], int]
_SNAPSHOT_SECONDS = "5"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; `run` and `replay` become the flow's process."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (ConfigError, StopRun, CommandError) as error:
        sys.stderr.write(f"tablestore-sync: {error}\n")
        return 1
    except import_config.UnsupportedConnectorConfig as error:
        sys.stderr.write(f"tablestore-sync: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tablestore-sync", description="Kafka topics into Alibaba Cloud Tablestore tables."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_run, _add_replay, _add_check, _add_skip, _add_import, add_commands):
        add(commands)
    return parser


def _with_config(parser: argparse.ArgumentParser, state: str | None = None) -> None:
    parser.add_argument("--config", metavar="FILE", help="instead of ./config.toml")
    if state is not None:
        parser.add_argument(
            "-r", "--state", metavar="FOLDER", default=state,
            help=f"recovery folder (default {state})",
        )  # fmt: skip


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="move the topics, until SIGTERM or SIGINT",
        description="Starts the processes of a run, watches them, and starts all of them again "
        "when one ends or they are stuck.",
    )
    _with_config(parser, "state")
    add = parser.add_argument
    add("--flow", default="flows.sync", metavar="MODULE", help="your own page")
    add("--processes", type=int, default=1, metavar="N", help="processes on this host (default 1)")
    add("--workers", type=int, metavar="N", help="worker threads of a process (default 1)")
    add("--snapshot-interval", type=int, default=int(_SNAPSHOT_SECONDS), metavar="SECONDS",
        help=f"between two snapshots (default {_SNAPSHOT_SECONDS})")  # fmt: skip
    add("--hosts", metavar="A:PORT,B:PORT", help="run on several hosts: their addresses, the same "
        "list on each; a host's processes take as many ports, from its port on")  # fmt: skip
    add("--host-index", type=int, metavar="I", help="which of them this one is, from 0 on; the "
        "first one has the state")  # fmt: skip
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    if (options.hosts is None) != (options.host_index is None):
        raise ConfigError("--hosts and --host-index go together: give both, or none of them")
    hosts = () if options.hosts is None else parse_hosts(options.hosts, options.processes)
    plan = RunPlan(
        folder=Path(options.state),
        flow=options.flow,
        processes=options.processes,
        workers=options.workers,
        snapshot_seconds=options.snapshot_interval,
        hosts=hosts,
        host=options.host_index or 0,
    )
    if options.config is not None:
        os.environ[CONFIG_VARIABLE] = options.config
    return service.run(plan, load(options.config))


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "replay",
        help="read dead letters and write their records again",
        description="Reads dead letters and writes their records again, through the present "
        "mapping or back to their topics. When it was stopped, the same command goes on there.",
    )
    _with_config(parser)
    add = parser.add_argument
    add("-r", "--state", metavar="FOLDER", help="recovery folder (default: one in replay-state/ "
        "for each selection of dead letters, so that another one begins at the first "
        "dead letter)")  # fmt: skip
    add("--flow", default="flows.replay", metavar="MODULE", help="your own page")
    add("--from", dest="source", choices=("topic", "table"), help="where the dead letters are")
    add("--to", dest="target", choices=("tables", "topic"), help="through the mapping into their "
        "tables (default), or back to the topic that each came from")  # fmt: skip
    add("--dry-run", action="store_true", help="print what would be done, and do nothing")
    add(
        "--topic",
        action="append",
        dest="topics",
        metavar="T",
        help="only dead letters of this topic",
    )
    add("--code", "--reason", action="append", dest="codes", metavar="C",
        help="only dead letters of this reason, such as value_json_invalid")  # fmt: skip
    add("--since", metavar="TIME", help="only records of this time or later (RFC 3339)")
    add("--until", metavar="TIME", help="only records before this time")
    add("--count", metavar="N", help="end after this many dead letters")
    add("--rate", metavar="N", help="at most this many dead letters a second")
    add("--max-replays", metavar="N", help="skip records that were replayed this often already")
    add("--most-replays", dest="former_max_replays", help=argparse.SUPPRESS)
    add("--again", action="store_true", help="also dead letters of the table that were replayed")
    add("--only-missing", action="store_true", help="write only where there is no row of that key")
    parser.set_defaults(command=_replay)


def _replay(options: argparse.Namespace) -> int:
    names = ("source", "target", "since", "until", "count", "rate", "max_replays")
    values = {name: getattr(options, name) for name in names}
    if options.former_max_replays is not None:
        sys.stderr.write("tablestore-sync: --most-replays is named --max-replays now\n")
        values["max_replays"] = values["max_replays"] or options.former_max_replays
    for name in ("topics", "codes"):
        found = getattr(options, name)
        values[name] = None if found is None else json.dumps(found)
    for name in ("dry_run", "again", "only_missing"):
        values[name] = "true" if getattr(options, name) else None
    variables = {
        f"{ENV_PREFIX}REPLAY__{name.upper()}": value
        for name, value in values.items()
        if value is not None
    }
    _become(options.flow, options, variables)


def _replay_state(settings: Settings) -> str:
    """A recovery folder for this selection: the offset of one means nothing for another."""
    source = "table" if settings.replays_table else "topic"
    replay = settings.replay
    selection = (replay.target, replay.topics, replay.codes, replay.since, replay.until)
    digest = hashlib.sha256(json.dumps(selection).encode()).hexdigest()[:8]
    return str(Path("replay-state") / f"{source}-{digest}")


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("check", help="read the settings and print what they mean")
    _with_config(parser)
    parser.add_argument(
        "--connect",
        action="store_true",
        help="also ask the Schema Registry and Tablestore, which changes nothing there",
    )
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> int:
    settings = load(options.config)
    check_client_properties(settings)
    sys.stdout.write("".join(f"{line}\n" for line in describe(settings)))
    if options.connect:
        sys.stdout.write("".join(f"{line}\n" for line in _connect(settings)))
    return 0


def _add_skip(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "skip",
        help="move one partition of a stopped run past an offset",
        description="The next run with this recovery folder goes on behind the offset. Use it "
        "where the brokers have records that cannot be read.",
    )
    add = parser.add_argument
    add("-r", "--state", metavar="FOLDER", default="state", help="recovery folder (default state)")
    add("--topic", metavar="T", required=True, help="its topic")
    add("--partition", metavar="P", required=True, type=int, help="its number")
    add("--offset", metavar="O", required=True, type=int, help="the last offset to leave out")
    parser.set_defaults(command=_skip)


def _skip(options: argparse.Namespace) -> int:
    text = skip(Path(options.state), options.topic, options.partition, options.offset)
    sys.stdout.write(f"{text}\n")
    return 0


def _connect(settings: Settings) -> list[str]:
    """What the services say: a line for each known table. Raises StopRun where one cannot be used.

    What may pass by itself is logged.
    """
    from connectors.formats.factory import check_registry  # noqa: PLC0415
    from connectors.tablestore.client import Client  # noqa: PLC0415
    from connectors.tablestore.tables_api import TablesApi  # noqa: PLC0415
    from connectors.tablestore.verdicts import RequestFailed  # noqa: PLC0415

    check_registry(settings.format, with_keys=True)
    tables_api = TablesApi(Client(settings.tablestore))
    lines = []
    for table in settings.known_tables():
        rules = settings.rules_of(table)
        points = rules.mode == "timeseries"
        try:
            (tables_api.describe_timeseries if points else tables_api.describe)(table)
            lines.append(f"table {table}: is there")
        except RequestFailed as failed:
            if failed.code != "OTSObjectNotExist":
                reason = getattr(failed.verdict, "reason", failed.code)
                raise StopRun(f"table {table}: {reason}") from None
            made = "is made at the start" if rules.auto_create else "does not exist"
            lines.append(f"table {table}: {made}")
    return lines


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "import-config",
        help="a Tablestore Sink Connector's configuration as config.toml",
        description="Prints the config.toml that does what a Tablestore Sink Connector did. What "
        "changes is reported on stderr, a line a key; secrets are named and never written.",
    )
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help=".properties, or JSON as the REST API has it")
    add("--compatible", action="store_true", help="keep the connector's own conversions where "
        "they corrupt no value")  # fmt: skip
    add("--worker", metavar="FILE", type=Path, help="the worker's file, for brokers, converters "
        "and consumer.* keys")  # fmt: skip
    add("--name", metavar="NAME", help="the connector's name, where the file does not have it")
    parser.set_defaults(command=_import)


def _import(options: argparse.Namespace) -> int:
    converted = import_config.convert_file(
        options.file, options.worker, options.name, options.compatible
    )
    for key, text in converted.notes:
        sys.stderr.write(f"{key}: {text}\n")
    sys.stdout.write(converted.text)
    return 0


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


def _become(
    flow: str,
    options: argparse.Namespace,
    variables: Mapping[str, str],
    more: Sequence[str] = (),
) -> NoReturn:
    """Replace this process by the flow's, so that signals reach the flow. Raises ConfigError."""
    os.environ.update(variables)
    if options.config is not None:
        os.environ[CONFIG_VARIABLE] = options.config
    settings = load(options.config)  # so that a wrong option is reported before anything starts
    check_client_properties(settings)
    state = options.state or _replay_state(settings)
    recovery = ["-r", state, "-s", _SNAPSHOT_SECONDS, "-b", "0"]
    program = [sys.executable, "-m", "bytewax.run", flow, *recovery, *more]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program[0], program)  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    sys.exit(main())
