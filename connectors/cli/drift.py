"""`tablestore-sync drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from connectors.cli.exit_codes import FOUND
from connectors.cli.options import ConfigOption, JsonOption, RecordsOption, TopicOption
from connectors.cli.output import say, say_json, screen, silence_log

if TYPE_CHECKING:
    from connectors.inspect.drift import TableDrift

EXAMPLES = (
    "tablestore-sync drift",
    "tablestore-sync drift --topic orders --records 5000 --json",
)
_MARKS = {"new": "+", "gone": "-", "type": "~", "mixed": "~", "rejected": "✗"}


def drift(
    config: ConfigOption = None,
    topic: TopicOption = None,
    records: RecordsOption = 1000,
    as_json: JsonOption = False,
) -> None:
    """Compare the last records of topics with the configuration.

    Fields that are new and dropped, gone, or of another type than their column, and records that
    would be rejected; each with a change of the configuration where there is one. Where all fields
    are written, the newer half of the records is compared with the older one.
    """
    from connectors.cli.samples import samples_of  # noqa: PLC0415
    from connectors.inspect.drift import document, drift_of  # noqa: PLC0415
    from connectors.inspect.preview import Preview  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415

    silence_log()
    settings = load(config)
    preview = Preview(settings)
    found = [
        one
        for name, messages in samples_of(settings.kafka, topic, records).items()
        for one in drift_of(settings, preview, name, messages)
    ]
    if as_json:
        say_json({"topics": [document(one) for one in found]})
    else:
        for one in found:
            _say(one)
    if any(one.differences for one in found):
        raise typer.Exit(FOUND)


def _say(one: TableDrift) -> None:
    out = screen()
    out.print(f"topic {one.topic}, table {one.table}: {one.records:,} records", style="bold")
    for difference in one.differences:
        mark = _MARKS[difference.kind]
        out.print(f"  {mark} {difference.field}: {difference.text}")
        if difference.proposal:
            out.print(f"      change: {difference.proposal}")
    if not one.differences:
        say(["  no difference"])
