"""`tablestore-sync import-config`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.exit_codes import USAGE
from connectors.cli.options import JsonOption
from connectors.cli.output import say_json, warn

EXAMPLES = (
    "tablestore-sync import-config connector.properties > config.toml",
    "tablestore-sync import-config connector.json --worker worker.properties --compatible",
)


def import_config(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".properties, or JSON as the REST API has it.")
    ],
    compatible: Annotated[
        bool,
        typer.Option(
            "--compatible",
            help="Keep the connector's own conversions where they corrupt no value.",
        ),
    ] = False,
    worker: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The worker's file, for brokers, converters and consumer.* keys."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The connector's name, where the file has none."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Translate a Tablestore Sink Connector's configuration into config.toml.

    Prints the config.toml that does what the connector did. What changes is reported on stderr, a
    line a key; secrets are named and never written.
    """
    from connectors.import_config import UnsupportedConnectorConfig, convert_file  # noqa: PLC0415

    try:
        converted = convert_file(file, worker, name, compatible)
    except UnsupportedConnectorConfig as error:
        if as_json:
            say_json({"error": str(error), "exit_code": USAGE})
        else:
            warn(str(error))
        raise typer.Exit(USAGE) from None
    if as_json:
        notes = [{"key": key, "text": text} for key, text in converted.notes]
        say_json({"config": converted.text, "notes": notes})
        return
    for key, text in converted.notes:
        sys.stderr.write(f"{key}: {text}\n")
    sys.stdout.write(converted.text)
