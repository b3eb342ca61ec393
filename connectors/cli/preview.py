"""`tablestore-sync preview`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.exit_codes import FOUND
from connectors.cli.options import ConfigOption, JsonOption, PartitionOption, TopicOption
from connectors.cli.output import say, say_json, screen, silence_log

if TYPE_CHECKING:
    from connectors.inspect.preview import Previewed, PreviewedRow

EXAMPLES = (
    "tablestore-sync preview",
    "tablestore-sync preview --topic orders --last 5 --steps",
    "tablestore-sync preview --topic orders --partition 0 --offset 1234 --json",
    "tablestore-sync preview --key customer-17",
)


def preview(
    config: ConfigOption = None,
    topic: TopicOption = None,
    partition: PartitionOption = None,
    last: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many records; the last ones unless said.")
    ] = 20,
    offset: Annotated[
        int | None,
        typer.Option(min=0, metavar="O", help="From this offset on; name topic and partition."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The last records whose key is this text, in UTF-8."),
    ] = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="Also the record before and after each transform.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to read, at most.")
    ] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Show the rows that records would become, or why they would be rejected.

    Real records go through the real decoding, transforms and mapping. Nothing is written, no table
    is created, no offset is committed. Steps of a page of your own are not part of it.
    """
    from connectors.inspect.plain import previewed_document  # noqa: PLC0415
    from connectors.inspect.preview import Preview  # noqa: PLC0415
    from connectors.kafka.sampling import Limits, Selection, read_sample  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415

    silence_log()
    settings = load(config)
    wanted = None if key is None else key.encode()
    selection = Selection(topic, partition, last, offset, wanted)
    view = Preview(settings, with_stages=steps)
    sample = read_sample(settings.kafka, selection, Limits(seconds=seconds))
    found = [view.of(message) for message in sample.messages]
    summary = _summary(found, sample.read, sample.is_complete)
    if as_json:
        say_json({"records": [previewed_document(one) for one in found], "summary": summary})
    else:
        for one in found:
            _say_record(one)
        say(_summary_lines(summary, settings.errors.tolerance))
    if summary["rejected"]:
        raise typer.Exit(FOUND)


def _summary(found: list[Previewed], read: int, is_complete: bool) -> dict[str, Any]:
    tables: dict[str, dict[str, Any]] = {}
    codes: dict[str, int] = {}
    for one in found:
        for row in one.rows:
            table = tables.setdefault(row.table, {"rows": 0, "bytes": 0, "capacity_units": 0})
            table["rows"] += 1
            table["bytes"] += row.bytes
            table["capacity_units"] = round(table["capacity_units"] + row.units, 4)
        for dead_letter in one.rejections:
            codes[dead_letter.code] = codes.get(dead_letter.code, 0) + 1
    return {
        "records": len(found),
        "read": read,
        "complete": is_complete,
        "filtered": sum(one.is_filtered for one in found),
        "rejected": sum(bool(one.rejections) for one in found),
        "tables": tables,
        "codes": codes,
    }


def _summary_lines(summary: dict[str, Any], tolerance: str) -> list[str]:
    lines = [f"{summary['records']} records ({summary['read']} read)"]
    lines += [
        f"  table {name}: {table['rows']} rows, {table['bytes']:,} bytes, "
        f"{table['capacity_units']:g} capacity units"
        for name, table in summary["tables"].items()
    ]
    if summary["filtered"]:
        lines.append(f"  {summary['filtered']} dropped by a transform")
    for code, number in summary["codes"].items():
        lines.append(f"  {number} rejected: {code}")
    if summary["rejected"] and tolerance == "none":
        lines.append("  a run would stop at the first of these (errors.tolerance = none)")
    if not summary["complete"]:
        lines.append("  reading ended at a limit before all was read: --seconds gives it more time")
    return lines


def _say_record(one: Previewed) -> None:
    from connectors.dead_letters.codes import remedy_of  # noqa: PLC0415

    out = screen()
    message = one.message
    kind, time = message.timestamp()
    when = (
        f", {datetime.fromtimestamp(time / 1000, timezone.utc):%Y-%m-%d %H:%M:%S}" if kind else ""
    )
    where = f"topic {message.topic()} partition {message.partition()} offset {message.offset()}"
    out.print(f"{where}{when}", style="bold")
    for stage in one.stages:
        _say_stage(stage.step, stage)
    for row in one.rows:
        _say_row(row)
    for dead_letter in one.rejections:
        out.print("  rejected: ", style="red", end="")
        out.print(f"{dead_letter.stage}, {dead_letter.code}: {dead_letter.reason}")
        remedy = remedy_of(dead_letter.stage, dead_letter.code)
        if remedy:
            out.print(f"    remedy: {remedy}")
    if one.is_filtered:
        out.print("  dropped by a transform", style="yellow")
    out.print()


def _say_stage(name: str, stage: Any) -> None:
    from connectors.inspect.plain import short  # noqa: PLC0415

    out = screen()
    out.print(f"  {name}", style="dim")
    for record in stage.records:
        change = "delete " if record.change == "delete" else ""
        key = "" if record.key is None else f"key {short(record.key)}, "
        out.print(f"    {change}{key}value {short(record.value, 300)}")
    if stage.rejection is not None:
        out.print(f"    rejected: {stage.rejection.code}")
    elif not stage.records:
        out.print("    no record")


def _say_row(row: PreviewedRow) -> None:
    from connectors.inspect.plain import short  # noqa: PLC0415

    out = screen()
    out.print(f"  {row.operation} ", style="green", end="")
    out.print(f"table {row.table}, {row.bytes:,} bytes, {row.units:.3g} capacity units")
    cells = [("key", cell) for cell in row.key] + [("", cell) for cell in row.columns]
    width = max((len(cell.name) for _, cell in cells), default=0)
    for role, cell in cells:
        value = short(cell.value) if cell.operation == "put" else cell.operation
        version = "" if cell.version is None else f"  (version {cell.version})"
        out.print(f"    {role:3} {cell.name:{width}}  {cell.type:8} {value}{version}")
