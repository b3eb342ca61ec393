"""`tablestore-sync top`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.options import JsonOption, StateOption

EXAMPLES = (
    "tablestore-sync top -r state",
    "tablestore-sync top --url http://127.0.0.1:8080",
    "tablestore-sync top --once",
)


def top(
    state: StateOption = Path("state"),
    url: Annotated[
        list[str] | None,
        typer.Option(
            "--url", metavar="URL", help="The address of a process, instead of -r; may be repeated."
        ),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=0.1, metavar="S", help="Seconds between two looks.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Watch a run: throughput, lag, partitions, tables, rejections.

    The run needs an endpoint (http.port). Its processes are found by the recovery folder.
    """
    from rich.console import Console  # noqa: PLC0415

    from connectors.cli import run_view  # noqa: PLC0415
    from connectors.cli.output import say_json  # noqa: PLC0415

    def addresses() -> dict[int, str]:
        given = enumerate(each.rstrip("/") for each in url or ())
        return dict(given) or run_view.addresses_of(state)

    if as_json:
        say_json(run_view.status_of(addresses))
    else:
        run_view.show_run(addresses, Console(), every, 1 if once else None)
