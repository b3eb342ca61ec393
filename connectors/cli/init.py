"""`tablestore-sync init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from connectors.cli.options import JsonOption, RecordsOption
from connectors.cli.output import say, say_json, screen, silence_log
from connectors.cli.samples import samples_of
from connectors.errors import StopRun

if TYPE_CHECKING:
    from connectors.inspect.initial_config import InitialConfig
    from connectors.records import Message
    from connectors.settings.kafka import KafkaSettings

EXAMPLES = (
    "tablestore-sync init --bootstrap-servers broker-1:9092 --topic orders",
    "tablestore-sync init --topic orders --topic readings --output orders.toml --yes",
    "tablestore-sync init --topic orders --registry https://schemas.example.com:8081 --json",
)
_ENDPOINT = "http://127.0.0.1:18087"


def init(
    bootstrap_servers: Annotated[
        str | None, typer.Option(metavar="HOST:PORT,...", help="The brokers.")
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="T", help="A topic to move; may be given again."),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="The endpoint of the Tablestore instance.")
    ] = None,
    instance: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of the Tablestore instance.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(metavar="URL", help="The Schema Registry, where there is one.")
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="NAME=VALUE",
            help="A property of librdkafka, such as security.protocol=SASL_SSL; may be given "
            "again. Secrets come from the environment.",
        ),
    ] = None,
    mode: Annotated[
        Literal["auto", "wide_column", "timeseries"],
        typer.Option(metavar="auto|wide_column|timeseries", help="What the tables shall be."),
    ] = "auto",
    records: RecordsOption = 1000,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")
    ] = Path("config.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where it exists.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take defaults for what is not given.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at topics and write a first config.toml for them.

    Samples records, recognises their format, and proposes key, columns with types, table, or a time
    series where the data looks like one. Every guess is shown with its evidence, and tried on the
    sample. Nothing else is written.
    """
    from connectors.inspect.initial_config import initial_config, table_names  # noqa: PLC0415
    from connectors.inspect.toml_text import config_text  # noqa: PLC0415
    from connectors.settings.loading import from_values  # noqa: PLC0415

    silence_log()
    asks = sys.stdin.isatty() and not yes and not as_json
    if output.exists() and not force and not (asks and typer.confirm(f"Replace {output}?")):
        raise StopRun(f"{output} exists\n  remedy: name another file with --output, or add --force")
    kafka: dict[str, Any] = {
        "bootstrap_servers": _given(bootstrap_servers, asks, "Kafka brokers", "127.0.0.1:9092")
    }
    if properties:
        kafka["properties"] = dict(map(_property, properties))
    probe = from_values({"kafka": {**kafka, "topics": ["any"]}}).kafka
    kafka["topics"] = topics or _choose(probe, asks)
    values: dict[str, Any] = {
        "kafka": kafka,
        "tablestore": {
            "endpoint": _given(endpoint, asks, "Tablestore endpoint", _ENDPOINT),
            "instance": _given(instance, asks, "Tablestore instance", "demo"),
        },
    }
    if registry:
        values["format"] = {"registry": {"url": registry}}
    settings = from_values({**values, **table_names(kafka["topics"])})
    config = initial_config(values, _samples(settings.kafka, records), mode=mode)
    text = config_text(config)
    output.write_text(text, "utf-8")
    if as_json:
        say_json(_document(config, text, output))
    else:
        _say(config, output)


def _given(value: str | None, asks: bool, question: str, default: str) -> str:
    if value is not None:
        return value
    return str(typer.prompt(question, default=default)) if asks else default


def _property(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text} is not NAME=VALUE", param_hint="--property")
    return name, value


def _choose(kafka: KafkaSettings, asks: bool) -> list[str]:
    """The topics that are meant where none is named."""
    from connectors.kafka.probes import Brokers, probe_brokers  # noqa: PLC0415

    found = probe_brokers(kafka.client_properties(), kafka.metadata_timeout)
    if not isinstance(found, Brokers):
        raise StopRun(
            f"kafka: no answer from {kafka.bootstrap_servers}: {found}\n  remedy: correct "
            "--bootstrap-servers and --property, or start the brokers"
        )
    names = sorted(name for name in found.topics if not name.startswith("_"))
    if len(names) == 1:
        return names
    shown = ", ".join(names[:20]) or "none"
    if asks and names:
        return str(typer.prompt(f"Topic ({shown})", default=names[0])).replace(",", " ").split()
    raise StopRun(
        f"which topic? the brokers have {len(names)}: {shown}\n  "
        "remedy: name one or more by --topic"
    )


def _samples(kafka: KafkaSettings, records: int) -> dict[str, list[Message]]:
    found = samples_of(kafka, None, records)
    for topic, messages in found.items():
        if not messages:
            raise StopRun(
                f"topic {topic} has no record to look at\n  remedy: produce some, or start from "
                "the example configuration (config.toml of the project)"
            )
    return found


def _say(config: InitialConfig, output: Path) -> None:
    out = screen()
    for topic, guesses in config.guesses.items():
        out.print(f"topic {topic}", style="bold")
        for guess in guesses:
            out.print(f"  {guess.about}: ", end="")
            out.print(guess.value, style="green", end="")
            out.print(f"  ({guess.evidence})")
        out.print()
    for note in config.notes:
        out.print("look at this: ", style="yellow", end="")
        out.print(note)
    say(
        [
            f"{output} is written. Next:",
            f"  tablestore-sync check --config {output}",
            f"  tablestore-sync preview --config {output}",
            f"  tablestore-sync run --config {output}",
        ]
    )


def _document(config: InitialConfig, text: str, output: Path) -> dict[str, Any]:
    return {
        "file": str(output),
        "config": text,
        "values": config.values,
        "guesses": {
            topic: [vars(guess) for guess in guesses] for topic, guesses in config.guesses.items()
        },
        "notes": config.notes,
    }
