"""`tablestore-sync verify`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.exit_codes import FOUND
from connectors.cli.options import ConfigOption, JsonOption, PartitionOption, TopicOption
from connectors.cli.output import progress, say, say_json, screen, silence_log
from connectors.errors import StopRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.kafka.ranges import Bound, Range
    from connectors.verify.verification import Verification

EXAMPLES = (
    "tablestore-sync verify --topic orders",
    "tablestore-sync verify --topic orders --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z",
    "tablestore-sync verify --topic orders --partition 3 --from 1000 --to 1999 --json",
    "tablestore-sync verify --sample 1 --report records.jsonl",
)


def verify(
    config: ConfigOption = None,
    topic: TopicOption = None,
    partition: PartitionOption = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME|O",
            help="Records of this time or later (RFC 3339), or with --partition from this offset "
            "on; from the oldest unless set.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME|O",
            help="Up to the first record of this time or later, or up to this offset, with it; up "
            "to the present end unless set.",
        ),
    ] = None,
    sample: Annotated[
        float,
        typer.Option(
            min=0.01, max=100, metavar="PERCENT", help="Compare only this share of the keys."
        ),
    ] = 100.0,
    show: Annotated[int, typer.Option(min=0, metavar="N", help="How many findings to list.")] = 20,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a line of JSON for each record to this file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare records of Kafka with the rows that the tables have of them.

    Records go through the real decoding, transforms and mapping; rows are read and compared. Of
    each record it is said whether its row is right, a later record of its key has superseded it, it
    is dead-lettered, filtered, not written yet, missing, or differs. Nothing is written and no
    offset is committed. Steps of a page of your own are not part of it.
    """
    from connectors.kafka.ranges import ranges_of  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415
    from connectors.verify.verification import Verification  # noqa: PLC0415

    silence_log()
    settings = load(config)
    if topic is not None:
        update = {"topics": (topic,), "topics_pattern": None}
        kafka = settings.kafka.model_copy(update=update)
        settings = settings.model_copy(update={"kafka": kafka})
    first, last = _bound(begin, "--from"), _bound(end, "--to")
    ranges = ranges_of(settings.kafka, partition, first, last)
    with tempfile.TemporaryDirectory(prefix="tablestore-sync-verify-") as folder:
        work = Verification(settings, ranges, sample, Path(folder), show)
        try:
            with progress("reading topics") as on_progress:
                work.read(on_progress)
            with progress("comparing tables") as on_progress:
                work.compare(on_progress)
            document = _document(work)
            if report is not None:
                _write(report, work, ranges)
        finally:
            work.outcomes.close()
    if as_json:
        say_json(document)
    else:
        _say(document)
    if document["summary"]["missing"] or document["summary"]["differs"]:
        raise typer.Exit(FOUND)


def _bound(text: str | None, option: str) -> Bound:
    from connectors.kafka.ranges import Bound  # noqa: PLC0415
    from connectors.settings.kafka import check_time, milliseconds  # noqa: PLC0415

    if text is None:
        return Bound()
    if text.isdecimal() and len(text) < 20:
        return Bound(offset=int(text))
    try:
        return Bound(moment=milliseconds(check_time(text)))
    except ValueError:
        raise StopRun(
            f"{option}: it is neither an offset nor a time with its zone\n  remedy: write it such "
            "as 1000 or 2026-01-31T08:00:00Z"
        ) from None


def _document(work: Verification) -> dict[str, Any]:
    from connectors.verify.outcomes import Outcome  # noqa: PLC0415

    counts = work.outcomes.counts()
    summary = {"records": len(work.outcomes)}
    summary |= {outcome.name.lower(): counts[outcome] for outcome in Outcome}
    findings = [{**one._asdict(), "outcome": one.outcome.name.lower()} for one in work.findings()]
    reasons = [
        {"reason": reason, "rows": number} for reason, number in work.outcomes.reasons.items()
    ]
    return {"summary": summary, "unverifiable": reasons, "findings": findings}


def _write(report: Path, work: Verification, ranges: Sequence[Range]) -> None:
    with report.open("w", encoding="utf-8") as file:
        for (source, offset), outcome in work.outcomes.all():
            one = ranges[source]
            line = {
                "topic": one.topic,
                "partition": one.partition,
                "offset": offset,
                "outcome": outcome.name.lower(),
            }
            file.write(json.dumps(line) + "\n")


def _say(document: dict[str, Any]) -> None:
    from connectors.verify.outcomes import MEANINGS  # noqa: PLC0415

    out, summary = screen(), document["summary"]
    for one in document["findings"]:
        where = f"topic {one['topic']} partition {one['partition']} offset {one['offset']}"
        out.print(f"{one['outcome']}: ", style="red", end="")
        table = f"table {one['table']}: " if one["table"] else ""
        out.print(f"{where}: {table}{one['why']}")
    left = summary["missing"] + summary["differs"] - len(document["findings"])
    if left:
        say([f"and {left:,} more findings: --show lists more, --report FILE all"])
    say([f"{summary['records']:,} records"])
    for outcome, meaning in MEANINGS.items():
        number = summary[outcome.name.lower()]
        if number:
            name = outcome.name.lower().replace("_", "-")
            say([f"  {number:,} {name}: {meaning}"])
    if summary["not_sampled"]:
        say([f"  {summary['not_sampled']:,} not sampled (--sample)"])
    for one in document["unverifiable"]:
        say([f"  cannot be verified: {one['rows']:,} rows: {one['reason']}"])
