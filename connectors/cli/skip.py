"""`tablestore-sync skip`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.options import JsonOption, StateOption
from connectors.cli.output import say, say_json

EXAMPLES = ("tablestore-sync skip -r state --topic orders --partition 3 --offset 1234",)


def skip(
    topic: Annotated[str, typer.Option(metavar="T", help="Its topic.")],
    partition: Annotated[int, typer.Option(metavar="P", help="Its number.")],
    offset: Annotated[int, typer.Option(metavar="O", help="The last offset to leave out.")],
    state: StateOption = Path("state"),
    as_json: JsonOption = False,
) -> None:
    """Move one partition of a stopped run past an offset.

    The next run with this recovery folder goes on behind the offset. Use it where the brokers have
    records that cannot be read.
    """
    from connectors.run import skip as recovery_folder  # noqa: PLC0415

    text = recovery_folder.skip(state, topic, partition, offset)
    if as_json:
        document = {"topic": topic, "partition": partition, "skipped_to": offset, "text": text}
        say_json(document)
    else:
        say([text])
