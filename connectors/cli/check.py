"""`tablestore-sync check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.options import ConfigOption, JsonOption
from connectors.cli.output import say, say_json
from connectors.errors import StopRun

if TYPE_CHECKING:
    from connectors.settings import Settings

EXAMPLES = (
    "tablestore-sync check",
    "tablestore-sync check --config orders.toml --json",
)


def check(
    config: ConfigOption = None,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Also ask the Schema Registry and Tablestore, which changes nothing there.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the settings and print what they mean."""
    from connectors.cli.description import describe  # noqa: PLC0415
    from connectors.kafka.property_check import check_client_properties  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415

    settings = load(config)
    check_client_properties(settings)
    lines = describe(settings)
    if connect:
        lines += _connect(settings)
    if as_json:
        say_json({"lines": lines})
    else:
        say(lines)


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
