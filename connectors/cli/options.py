"""Options that several commands have, so that they are named and described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration, instead of ./config.toml."),
]
StateOption = Annotated[
    Path, typer.Option("-r", "--state", metavar="FOLDER", help="The recovery folder.")
]
TopicOption = Annotated[
    str | None,
    typer.Option("--topic", metavar="T", help="This topic; those of [kafka] unless set."),
]
PartitionOption = Annotated[
    int | None,
    typer.Option("--partition", min=0, metavar="P", help="This partition; all unless set."),
]
RecordsOption = Annotated[
    int, typer.Option("--records", min=1, metavar="N", help="How many records of each topic.")
]
FlowOption = Annotated[
    str, typer.Option(metavar="MODULE", help="The page of the flow, such as one of your own.")
]
SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only records of this time or later (RFC 3339).")
]
OnlyMissingOption = Annotated[
    bool, typer.Option("--only-missing", help="Write only where there is no row of that key.")
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document on stdout, for scripts; errors too."),
]
