"""`tablestore-sync replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from connectors.cli.options import ConfigOption, FlowOption, OnlyMissingOption, SinceOption
from connectors.cli.output import warn

if TYPE_CHECKING:
    from connectors.settings import Settings

EXAMPLES = (
    "tablestore-sync replay --dry-run",
    "tablestore-sync replay --from table --code key_missing --topic orders",
    "tablestore-sync replay --to topic --since 2026-01-31T00:00:00Z --rate 500",
)


def replay(
    config: ConfigOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "-r",
            "--state",
            metavar="FOLDER",
            help="The recovery folder. Unless given, one in replay-state/ for each selection of "
            "dead letters, so that another one begins at the first dead letter.",
        ),
    ] = None,
    flow: FlowOption = "flows.replay",
    source: Annotated[
        Literal["topic", "table"] | None,
        typer.Option("--from", metavar="topic|table", help="Where the dead letters are."),
    ] = None,
    target: Annotated[
        Literal["tables", "topic"] | None,
        typer.Option(
            "--to",
            metavar="tables|topic",
            help="Through the mapping into their tables, which is what it does unless given, or "
            "back to the topic that each came from.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")
    ] = False,
    topics: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="T", help="Only dead letters of this topic."),
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            "--code",
            "--reason",
            metavar="C",
            help="Only dead letters of this code, such as value_json_invalid.",
        ),
    ] = None,
    since: SinceOption = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records before this time.")
    ] = None,
    count: Annotated[
        str | None, typer.Option(metavar="N", help="End after this many dead letters.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N", help="At most this many dead letters a second.")
    ] = None,
    max_replays: Annotated[
        str | None,
        typer.Option(metavar="N", help="Skip records that were replayed this often already."),
    ] = None,
    former_max_replays: Annotated[str | None, typer.Option("--most-replays", hidden=True)] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also dead letters of the table that were replayed.")
    ] = False,
    only_missing: OnlyMissingOption = False,
) -> None:
    """Read dead letters and write their records again.

    Through the present mapping into their tables, or back to their topics. When it was stopped, the
    same command goes on there.
    """
    from connectors.cli.flow_process import become, digest_of, variables_of  # noqa: PLC0415

    if former_max_replays is not None:
        warn("--most-replays is named --max-replays now")
        max_replays = max_replays or former_max_replays
    values = {
        "source": source,
        "target": target,
        "since": since,
        "until": until,
        "count": count,
        "rate": rate,
        "max_replays": max_replays,
        "topics": topics,
        "codes": codes,
        "dry_run": dry_run,
        "again": again,
        "only_missing": only_missing,
    }

    def own_state(settings: Settings) -> Path:
        # The offset of one selection means nothing for another.
        origin = "table" if settings.replays_table else "topic"
        options = settings.replay
        selection = (options.target, options.topics, options.codes, options.since, options.until)
        return Path("replay-state") / f"{origin}-{digest_of(selection)}"

    given = variables_of("replay", values)
    become(flow, config, lambda settings: state or own_state(settings), given)
