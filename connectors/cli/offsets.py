"""`tablestore-sync offsets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from connectors.cli.options import ConfigOption, JsonOption, StateOption
from connectors.cli.output import say, say_json

EXAMPLES = (
    "tablestore-sync offsets show -r state",
    "tablestore-sync offsets reset -r state --to earliest",
    "tablestore-sync offsets reset --to 2026-01-31T08:00:00Z --topic orders --yes",
    "tablestore-sync offsets skip --topic orders --partition 3 --offset 1234",
)


def offsets(
    what: Annotated[
        Literal["show", "reset", "skip"],
        typer.Argument(
            metavar="WHAT",
            help="show, reset or skip. show prints each partition; the others change stopped runs.",
        ),
    ] = "show",
    config: ConfigOption = None,
    state: StateOption = Path("state"),
    to: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="reset: earliest, latest, an offset, or a time."),
    ] = None,
    topic: Annotated[str | None, typer.Option(metavar="T", help="Only this topic.")] = None,
    partition: Annotated[
        int | None, typer.Option(min=0, metavar="P", help="Only this partition.")
    ] = None,
    offset: Annotated[
        int | None, typer.Option(metavar="O", help="skip: the last offset to leave out.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print where a run is or goes on, and change that while it is stopped.

    Before a change it prints, for each partition, which offsets are read again and which are
    skipped, and asks.
    """
    from connectors.offsets import commands  # noqa: PLC0415

    if what == "show":
        found = commands.show(state)
        if as_json:
            say_json(found)
        else:
            say(commands.lines(found))
        return
    confirm = commands.asks(yes)
    if what == "reset":
        from connectors.settings.loading import load  # noqa: PLC0415

        if to is None:
            raise typer.BadParameter("reset needs --to", param_hint="--to")
        done = commands.reset(state, load(config), to, topic, partition, confirm)
    else:
        if topic is None or partition is None or offset is None:
            raise typer.BadParameter("skip needs --topic, --partition and --offset")
        done = commands.skip_one(state, topic, partition, offset, confirm)
    if as_json:
        say_json({"done": done})
    else:
        say(done)
