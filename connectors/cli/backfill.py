"""`tablestore-sync backfill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.options import (
    ConfigOption,
    FlowOption,
    OnlyMissingOption,
    PartitionOption,
    SinceOption,
)

if TYPE_CHECKING:
    from connectors.settings import Settings

EXAMPLES = (
    "tablestore-sync backfill --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z",
    "tablestore-sync backfill --topic orders --partition 3 --from-offset 1000 --to-offset 1999",
    "tablestore-sync backfill --topic orders --rate 2000 --only-missing",
)


def backfill(
    config: ConfigOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "-r",
            "--state",
            metavar="FOLDER",
            help="The recovery folder. Unless given, one in backfill-state/ for each range, so "
            "that the same command goes on where it was stopped.",
        ),
    ] = None,
    flow: FlowOption = "flows.backfill",
    topics: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="T", help="Only this topic; may be given again."),
    ] = None,
    since: SinceOption = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Up to the first record of this time or later."),
    ] = None,
    partition: PartitionOption = None,
    from_offset: Annotated[
        int | None, typer.Option(min=0, metavar="O", help="With --partition: from this offset on.")
    ] = None,
    to_offset: Annotated[
        int | None,
        typer.Option(min=0, metavar="O", help="With --partition: up to this offset, with it."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N", help="At most this many records a second.")
    ] = None,
    only_missing: OnlyMissingOption = False,
) -> None:
    """Write a bounded range of topics into their tables, beside a running flow.

    It is a run of its own, with its own recovery folder, consumer group and rate, and ends when the
    range is written. When it was stopped, the same command goes on there, to the same end. It says
    at the start which tables' rows it may overwrite.
    """
    from connectors.cli.flow_process import become, digest_of, variables_of  # noqa: PLC0415

    values = {
        "topics": topics,
        "since": since,
        "until": until,
        "partition": partition,
        "first_offset": from_offset,
        "last_offset": to_offset,
        "rate": rate,
    }
    given = variables_of("backfill", values)
    if only_missing:
        given |= variables_of("replay", {"only_missing": True, "topics": topics})

    def own_state(settings: Settings) -> Path:
        # The offset of one range means nothing for another.
        one = settings.backfill
        names = one.topics or settings.kafka.topics
        selection = (names, one.since, one.until, one.partition, one.first_offset, one.last_offset)
        return Path("backfill-state") / digest_of(selection)

    become(flow, config, lambda settings: state or own_state(settings), given)
